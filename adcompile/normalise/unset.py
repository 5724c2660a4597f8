"""Variables that a loop's first iteration finds unset.

``for ...: if found: y = x[i]`` and ``y`` read after the loop: Python and Numba accept that as long
as some iteration sets ``y``.  In ssa the unset value would be read by joins, so it gets a default.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from numba.core import types as nt

from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_blocks, statements, stmt_reads
from adcompile.normalise.ssa import diverges

Types = dict[ir.Var, nt.Type]


def without_unset(
    fn: ir.Function, starts: Mapping[ir.Var, nt.Type | None], begun: dict[ir.Var, ir.Var]
) -> ir.Function:
    """``fn`` (ssa) in which joins do not mention variables that stay unset; for finding types only.

    What an iteration sets and a later one joins or reads counts: ``s = 1`` in a branch, and
    ``s = x`` at the end of the body, make a float of what follows the branch.  It starts as False,
    which unifies with every number, or as an array of the type that ``starts`` gives; where that
    is None, joins leave it out.  ``begun`` is told which variable stands for which.
    """
    unset = unset_variables(fn)
    if not unset:
        return fn
    read = {v for stmt in statements(fn.body) for v in stmt_reads(stmt)} & unset
    left_out = {v for v, kind in starts.items() if kind is None}
    named = read | _set_later(fn, unset, left_out)

    def known(var: ir.Var | None) -> ir.Var | None:
        return None if var in unset and var not in named else var

    def block(stmts: ir.Block) -> ir.Block:
        return tuple(made for stmt in stmts for made in one(map_blocks(block, stmt)))

    def one(stmt: ir.Stmt) -> Iterator[ir.Stmt]:
        match stmt:
            case ir.If(joins=joins):
                made = tuple(ir.Join(j.out, known(j.then), known(j.orelse)) for j in joins)
                yield replace(stmt, joins=made)
            case ir.For(carried=carried) | ir.While(carried=carried):
                kept = []
                for c in carried:
                    init = known(c.init)
                    if init is None and c.head in named:
                        init = ir.Var(c.head.name, c.head.temp)
                        begun[init] = begun[c.head] = c.head
                        yield default_value(init, starts.get(c.head) or nt.boolean)
                    kept.append(replace(c, init=init))
                yield replace(stmt, carried=tuple(kept))
            case _:
                yield stmt

    return replace(fn, body=block(fn.body))


def unset_variables(fn: ir.Function) -> set[ir.Var]:
    """Heads of carried values without a value before the first iteration, and what only joins
    them."""
    unset: set[ir.Var] = set()
    loops = [s for s in statements(fn.body) if isinstance(s, ir.For | ir.While)]
    branches = [s for s in statements(fn.body) if isinstance(s, ir.If)]
    while True:
        before = len(unset)
        for c in (c for loop in loops for c in loop.carried):
            if c.init is None or c.init in unset:
                unset.add(c.head)
                if c.next in unset:
                    unset.add(c.out)
        for j in (j for branch in branches for j in branch.joins):
            if all(v is None or v in unset for v in (j.then, j.orelse)):
                unset.add(j.out)
        if len(unset) == before:
            return unset


def _set_later(fn: ir.Function, unset: set[ir.Var], left_out: set[ir.Var]) -> set[ir.Var]:
    """Those of ``unset`` that have a value in some iteration after the first."""
    found: set[ir.Var] = set()
    while True:
        before = len(found)
        for stmt in statements(fn.body):
            match stmt:
                case ir.If(joins=joins):
                    found |= {j.out for j in joins if {j.then, j.orelse} & found} & unset
                case ir.For(carried=carried) | ir.While(carried=carried):
                    for c in carried:
                        if c.next not in unset or {c.next, c.init} & found:
                            found |= ({c.head, c.out} & unset) - left_out
                case _:
                    pass
        if len(found) == before:
            return found


def define_unset(fn: ir.Function, types: Types) -> ir.Function:
    """``fn`` (ssa, typed) with a default where an unset variable is read, or copied on paths that
    do not read it in the end."""
    copied: set[ir.Var] = set()
    read: set[ir.Var] = set()
    for stmt in statements(fn.body):
        read.update(stmt_reads(stmt))
        match stmt:
            case ir.If(joins=joins):
                copied.update(v for j in joins for v in (j.then, j.orelse) if v is not None)
            case ir.For(carried=carried) | ir.While(carried=carried):
                copied.update(v for c in carried for v in (c.init, c.next) if v is not None)
            case _:
                pass
    read |= copied
    _give_types(fn, types)

    def default(var: ir.Var, out: list[ir.Stmt]) -> ir.Var:
        made = ir.Var(var.name, var.temp)
        types[made] = types[var]
        out.append(default_value(made, types[made]))
        return made

    def branch(stmt: ir.If) -> ir.If:
        then, orelse = list(stmt.then), list(stmt.orelse)
        joins: list[ir.Join] = []
        for j in stmt.joins:
            if j.out in copied and j.out in types:
                if j.then is None and not diverges(stmt.then):
                    j = replace(j, then=default(j.out, then))
                if j.orelse is None and not diverges(stmt.orelse):
                    j = replace(j, orelse=default(j.out, orelse))
            joins.append(j)
        return replace(stmt, then=tuple(then), orelse=tuple(orelse), joins=tuple(joins))

    def block(stmts: ir.Block) -> ir.Block:
        out: list[ir.Stmt] = []
        for stmt in stmts:
            stmt = map_blocks(block, stmt)
            if isinstance(stmt, ir.If):
                stmt = branch(stmt)
            if isinstance(stmt, ir.For | ir.While):
                carried: list[ir.Carried] = []
                for c in stmt.carried:
                    if c.init is None and c.head in read and c.head in types:
                        c = replace(c, init=default(c.head, out))
                    carried.append(c)
                stmt = replace(stmt, carried=tuple(carried))
            out.append(stmt)
        return tuple(out)

    return replace(fn, body=block(fn.body))


def _give_types(fn: ir.Function, types: Types) -> None:
    """An array has a type wherever it is handed on, although nothing reads it there: an inner loop
    that does not run leaves what an iteration before has made."""
    groups: list[tuple[ir.Var | None, ...]] = []
    for stmt in statements(fn.body):
        match stmt:
            case ir.If(joins=joins):
                groups += [(j.out, j.then, j.orelse) for j in joins]
            case ir.For(carried=carried) | ir.While(carried=carried):
                groups += [(c.head, c.init, c.next, c.out) for c in carried]
            case _:
                pass
    size = -1
    while size != len(types):
        size = len(types)
        for group in groups:
            kinds = [types[v] for v in group if v is not None and v in types]
            if kinds and isinstance(kinds[0], nt.Array):
                types.update((v, kinds[0]) for v in group if v is not None and v not in types)


def with_defaults(fn: ir.Function, variables: Iterable[ir.Var], types: Types) -> ir.Function:
    """``fn`` (plain) in which these start with some value: Numba must find a type on every path,
    also where a branch that reads a variable is taken only after one that set it."""
    defaults = [default_value(v, types[v]) for v in variables if v in types]
    return replace(fn, body=(*defaults, *fn.body))


def default_value(var: ir.Var, kind: nt.Type) -> ir.Stmt:
    """A value for a variable that some path does not define."""
    match kind:
        case nt.Array():
            zeros = tuple(ir.Const(0) for _ in range(kind.ndim))
            shape = ir.MakeTuple(zeros)
            return ir.Alloc(var, "np.empty", (shape, ir.Const(f"np.{kind.dtype}")))
        case nt.Boolean():
            return ir.Assign(var, ir.Const(False))
        case nt.Integer():
            return ir.Assign(var, ir.Const(0))
        case nt.Complex():
            return ir.Assign(var, ir.Const(0j))
        case nt.UnicodeType():
            return ir.Assign(var, ir.Const(""))
        case _:
            return ir.Assign(var, ir.Const(0.0))
