"""Variables get their names: the one they wish for where that is safe.

Variables that wish for the same name share it unless they interfere; the first to appear then
keeps the plain name ``y`` and the others become ``y_2``, ``y_3``.  Anonymous temporaries are t1,
t2, ... in order of appearance.  Copies between variables that share a name vanish.
"""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Hashable, Iterator, Mapping, Set
from dataclasses import replace

from adcompile.emit.breaks import use_breaks
from adcompile.emit.liveness import Interference, copies
from adcompile.emit.syntax import PRINTED, is_imaginary
from adcompile.errors import UnsupportedError, VerifierError
from adcompile.ir.nodes import (
    Accumulate,
    Alloc,
    Apply,
    Assign,
    AssignMany,
    Attribute,
    Block,
    Call,
    Comment,
    Const,
    Copy,
    CopyInto,
    Dim,
    Do,
    Fill,
    For,
    Function,
    If,
    Load,
    Raise,
    Stmt,
    Store,
    Var,
    View,
    While,
)
from adcompile.ir.walk import (
    map_blocks,
    rename_block,
    statements,
    stmt_defs,
    stmt_exprs,
    stmt_reads,
    subexpressions,
)

_MODULES = frozenset(("np", "math", "cmath", "rt", "vm"))
_TEMP = "t"


def assign_names(
    fn: Function,
    reserved: Set[str],
    kinds: Mapping[Var, Hashable] | None = None,
    mark: str = "_",
) -> tuple[Function, dict[Var, str]]:
    """The plain function with one variable per name, and the names of all variables it had.

    Local variables avoid ``reserved``; parameters and constants keep their names.  Variables
    whose ``kinds`` (types, say) are known and differ never share a name.
    """
    order = appearance(fn)
    called = called_names(fn)
    fixed = fixed_names(fn, called)
    avoid = _MODULES | called | set(reserved) | set(keyword.kwlist)
    avoid |= {fixed[var] for var, _ in fn.constants}
    names = _colour(fn, order, fixed, avoid, kinds or {}, mark)
    return use_breaks(merge(fn, names)), names


def appearance(fn: Function) -> list[Var]:
    """All variables in order of first appearance, parameters first."""
    order: dict[Var, None] = dict.fromkeys(fn.params)
    order.update(dict.fromkeys(var for var, _ in fn.constants))
    for stmt in statements(fn.body):
        order.update(dict.fromkeys(stmt_reads(stmt)))
        order.update(dict.fromkeys(stmt_defs(stmt)))
        if isinstance(stmt, For | While) and stmt.exit is not None:
            order.setdefault(stmt.exit)
    return list(order)


def called_names(fn: Function) -> frozenset[str]:
    """The global names that the printed function refers to.  Other builtins need no avoiding: a
    user's variable ``sum`` stays ``sum``."""
    return frozenset(_root(name) for name in _called(fn.body))


def runtime_names(fn: Function) -> set[str]:
    """The runtime functions that the printed function calls by their bare names, and "vm" if it
    calls vector mathematics, "prange" if it has such loops."""
    called = set(_called(fn.body))
    return {_root(name) for name in called if name.startswith(("rt.", "vm."))} | called & {"prange"}


def _called(body: Block) -> Iterator[str]:
    for stmt in statements(body):
        match stmt:
            case Do(fn) | Raise(fn) | Alloc(_, fn) | Call(_, fn):
                if not fn.startswith("gen."):
                    yield fn
            case For(order=order):
                yield "prange" if order == "parallel" else "range"
            case _:
                pass
        for expr in stmt_exprs(stmt):
            for part in subexpressions(expr):
                match part:
                    case Apply(fn):
                        yield PRINTED.get(fn, fn)
                    case Attribute(_, "len"):
                        yield "len"
                    case Const(float() as value) if not math.isfinite(value):
                        yield "math"
                    case Const(complex() as value) if not is_imaginary(value):
                        yield from ("complex", "math")
                    case _:
                        pass


def _root(name: str) -> str:
    """The name in a dotted name that the module must know: runtime names are imported bare."""
    parts = name.split(".")
    return parts[1] if parts[0] in ("rt", "fn") and len(parts) > 1 else parts[0]


def fixed_names(fn: Function, called: Set[str]) -> dict[Var, str]:
    """The names of parameters and constants, which nothing may change."""
    fixed: dict[Var, str] = {}
    for var in (*fn.params, *(var for var, _ in fn.constants)):
        if var.name in fixed.values():
            raise VerifierError(f"{fn.name}: two parameters or constants named {var.name}", fn.loc)
        if var.name in called:
            raise UnsupportedError(
                f"{fn.name}: the parameter {var.name} hides a function of that name",
                fn.loc,
                "Give the parameter another name.",
            )
        fixed[var] = var.name
    return fixed


# ---------------------------------------------------------------- colouring


def _wish(var: Var) -> str:
    name = re.sub(r"\W", "_", var.name) or "_"
    return f"_{name}" if name[0].isdigit() else name


def _is_numbered(var: Var) -> bool:
    return var.temp and var.name == _TEMP


def _colour(
    fn: Function,
    order: list[Var],
    fixed: Mapping[Var, str],
    avoid: Set[str],
    kinds: Mapping[Var, Hashable],
    mark: str,
) -> dict[Var, str]:
    """A name for each variable."""
    family = {var: "" if _is_numbered(var) else _wish(var) for var in order}
    for var in {v for stmt in statements(fn.body) for v in stmt_reads(stmt)} - set(fixed):
        if family[var] and not family[var].strip("_"):  # an underscore is no name for what is read
            family[var] = "i"
    graph = Interference(fn, family)
    groups = _coalesce(fn, order, graph, kinds)
    arrays = _arrays(fn)
    wished = set(family.values())
    names: dict[Var, str] = {}
    holders: dict[str, list[Var]] = {}
    number = 0
    for var in order:
        if var in names:
            continue
        group = groups[var]
        owner = next((member for member in group if member in fixed), None)
        if owner is not None:
            name = fixed[owner]
        elif _is_numbered(var):
            number += 1
            while f"{_TEMP}{number}" in avoid | wished:
                number += 1
            name = f"{_TEMP}{number}"
        else:
            name = next(
                wish
                for wish in _candidates(family[var], wished, mark)
                if wish not in avoid
                and _one_kind([*group, *holders.get(wish, ())], kinds)
                and (
                    not holders.get(wish)
                    or arrays.isdisjoint(group) == arrays.isdisjoint(holders[wish])
                )
                and not graph.between(group, holders.get(wish, ()))
            )
        holders.setdefault(name, []).extend(group)
        names.update(dict.fromkeys(group, name))
    return names


def _candidates(wish: str, wished: Set[str], mark: str) -> Iterator[str]:
    yield wish
    number = 2
    while True:
        if f"{wish}{mark}{number}" not in wished:
            yield f"{wish}{mark}{number}"
        number += 1


def _one_kind(group: list[Var], kinds: Mapping[Var, Hashable]) -> bool:
    return len({kinds[var] for var in group if var in kinds}) <= 1


def _arrays(fn: Function) -> set[Var]:
    """The variables that are arrays by what is done with them: shadows and tapes have no kinds, and
    Numba's single assignment fails where a name is an array here and a number there."""
    found: set[Var] = set()
    for stmt in statements(fn.body):
        match stmt:
            case View(target, base):
                found |= {target, base}
            case Alloc(target) | Copy(target) | Assign(target, Apply("rt.place")):
                found.add(target)
            case Store(array) | Accumulate(array) | Fill(array) | CopyInto(array):
                found.add(array)
            case _:
                pass
        for expr in stmt_exprs(stmt):
            for part in subexpressions(expr):
                if isinstance(part, Load | Dim):
                    found.add(part.array)
    return found


def _coalesce(
    fn: Function, order: list[Var], graph: Interference, kinds: Mapping[Var, Hashable]
) -> dict[Var, list[Var]]:
    """Join both sides of copies into one group, in program order, where they do not interfere:
    then the copy vanishes."""
    groups = {var: [var] for var in order}
    fixed = {var for var, _ in fn.constants}
    for stmt in statements(fn.body):
        for pair in copies(stmt):
            one, other = groups[pair[0]], groups[pair[1]]
            if one is other or graph.family[pair[0]] != graph.family[pair[1]]:
                continue
            both = [*one, *other]
            if fixed.isdisjoint(both) and _one_kind(both, kinds) and not graph.between(one, other):
                groups.update(dict.fromkeys(both, both))
    return groups


# ---------------------------------------------------------------- merging


def _leader(names: Mapping[Var, str], order: list[Var]) -> dict[Var, Var]:
    """The first variable of each name stands for all of that name."""
    first: dict[str, Var] = {}
    for var in order:
        first.setdefault(names[var], var)
    return {var: first[names[var]] for var in order}


def merge(fn: Function, names: Mapping[Var, str]) -> Function:
    """One variable per name; copies of a variable to itself are dropped."""
    leader = _leader(names, appearance(fn))
    return replace(fn, body=_tidy(rename_block(fn.body, leader)))


def _tidy(block: Block) -> Block:
    return tuple(tidy for stmt in block for tidy in _tidy_stmt(map_blocks(_tidy, stmt)))


def _tidy_stmt(stmt: Stmt) -> Iterator[Stmt]:
    pairs = copies(stmt)
    match stmt:
        case AssignMany(targets, values, loc):
            rest = [
                (target, value)
                for target, value in zip(targets, values, strict=True)
                if target is not value
            ]
            if len(rest) == 1:
                yield Assign(*rest[0], loc=loc)
            elif rest:
                yield replace(
                    stmt,
                    targets=tuple(target for target, _ in rest),
                    values=tuple(value for _, value in rest),
                )
        case If(_, then, orelse) if _idle(then) and _idle(orelse):
            yield from (*then, *orelse)
        case _:
            if not any(target is source for target, source in pairs):
                yield stmt


def _idle(block: Block) -> bool:
    return all(isinstance(stmt, Comment) for stmt in block)
