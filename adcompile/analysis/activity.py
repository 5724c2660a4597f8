"""Activity: which values depend on a differentiated input and matter to the output.

``varied`` goes forward from the inputs, ``useful`` backward from the outputs; a value is active
if it is both.  Arrays are judged as wholes, by root.  Only floating types, real or
complex, can be active.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from numba.core import types as nt

from adcompile.analysis.alias import Roots
from adcompile.errors import MissingRuleError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements
from adcompile.rules.library import NAMES
from adcompile.rules.registry import rule_for

Types = dict[ir.Var, nt.Type]


def is_float(kind: nt.Type | None) -> bool:
    """A floating scalar, real or complex, or an array of them."""
    if isinstance(kind, nt.Array):
        kind = kind.dtype
    return isinstance(kind, nt.Float | nt.Complex)


def is_complex(kind: nt.Type | None) -> bool:
    """A complex scalar or an array of them."""
    if isinstance(kind, nt.Array):
        kind = kind.dtype
    return isinstance(kind, nt.Complex)


def float_operands(expr: ir.Expr) -> Iterator[ir.Var | ir.Load]:
    """The operands through which a derivative can flow, in order.  Conditions, subscripts and
    functions declared without derivative end it."""
    match expr:
        case ir.Var() | ir.Load():
            yield expr
        case ir.Unary("-" | "+", x):
            yield from float_operands(x)
        case ir.Binary("+" | "-" | "*" | "/" | "**" | "%" as _op, a, b):
            yield from float_operands(a)
            yield from float_operands(b)
        case ir.Select(_, a, b):
            yield from float_operands(a)
            yield from float_operands(b)
        case ir.Apply(fn, args):
            rule = rule_for(fn)
            if rule is None or not rule.nondiff:
                for arg in args:
                    yield from float_operands(arg)
        case _:
            return


@dataclass(frozen=True)
class Activity:
    """``active`` holds scalars and array references, ``roots`` the active arrays; ``guards``: the
    statements, by identity, in which nothing times an infinite number is nothing (singular.py)."""

    varied: frozenset[ir.Var]
    active: frozenset[ir.Var]
    roots: frozenset[ir.Var]
    guards: frozenset[int] = frozenset()

    def __contains__(self, var: ir.Var) -> bool:
        return var in self.active


def find_activity(
    fn: ir.Function,
    types: Types,
    roots: Roots,
    inputs: Iterable[ir.Var],
    outputs: Iterable[ir.Var],
) -> Activity:
    """Activity of ``fn`` (ssa) for derivatives of ``outputs`` with respect to ``inputs``."""
    varied = _Varied(types, roots, inputs).run(fn)
    useful = _Useful(types, roots, outputs).run(fn)
    live = varied & useful
    # One reference, one shadow: what may be named together is active together.
    grown = True
    while grown:
        grown = False
        for group in roots.values():
            if group & live and not group <= live:
                live |= group
                grown = True
    refs = {v for v, group in roots.items() if group & live}
    scalars = {v for v in live if v not in roots}
    active_roots = frozenset(v for group in roots.values() for v in group if v in live)
    return Activity(frozenset(varied), frozenset(refs | scalars), active_roots)


class _Flow:
    def __init__(self, types: Types, roots: Roots, seeds: Iterable[ir.Var]) -> None:
        self.types, self.roots = types, roots
        self.marked: set[ir.Var] = set()
        for seed in seeds:
            self.mark(seed)

    def mark(self, var: ir.Var) -> None:
        if is_float(self.types.get(var)):
            self.marked.update(self.roots.get(var, (var,)))

    def has(self, var: ir.Var | ir.Load) -> bool:
        if isinstance(var, ir.Load):
            var = var.array
        if var in self.roots:
            return bool(self.roots[var] & self.marked)
        return var in self.marked

    def run(self, fn: ir.Function) -> set[ir.Var]:
        size = -1
        while size != len(self.marked):
            size = len(self.marked)
            for stmt in self.ordered(fn):
                self.step(stmt)
        return self.marked

    def ordered(self, fn: ir.Function) -> Iterable[ir.Stmt]:
        return statements(fn.body)

    def step(self, stmt: ir.Stmt) -> None:
        for target, source in flows(stmt):
            self.edge(target, source)

    def edge(self, target: ir.Var, source: ir.Var | ir.Load) -> None:
        raise AssertionError


class _Varied(_Flow):
    def edge(self, target: ir.Var, source: ir.Var | ir.Load) -> None:
        if self.has(source):
            self.mark(target)


class _Useful(_Flow):
    def ordered(self, fn: ir.Function) -> Iterable[ir.Stmt]:
        return reversed(list(statements(fn.body)))

    def edge(self, target: ir.Var, source: ir.Var | ir.Load) -> None:
        if self.has(target):
            self.mark(source.array if isinstance(source, ir.Load) else source)


def flows(stmt: ir.Stmt) -> Iterator[tuple[ir.Var, ir.Var | ir.Load]]:
    """The (target, source) pairs along which derivatives can flow in one statement itself."""
    match stmt:
        case ir.Assign(target, value):
            for operand in float_operands(value):
                yield target, operand
        case ir.Store(array, _, value) | ir.Accumulate(array, _, value) | ir.Fill(array, _, value):
            for operand in float_operands(value):
                yield array, operand
        case ir.CopyInto(array, _, source):
            yield array, source
        case ir.Copy(target, source):
            yield target, source
        case ir.Alloc(target, fn, args, keywords) if fn.endswith(("full", "full_like")):
            for operand in float_operands(fill_value(args, keywords)):
                yield target, operand
        case ir.Alloc(target, fn, args) if fn in NAMES:
            yield from ((target, arg) for arg in args if isinstance(arg, ir.Var))
        case ir.Custom(targets, args=args, rule=rule):
            pairs = product(targets, args) if rule else zip(targets, args, strict=True)
            yield from ((t, arg) for t, arg in pairs if isinstance(arg, ir.Var))
        case ir.If(joins=joins):
            for join in joins:
                for side in (join.then, join.orelse):
                    if side is not None:
                        yield join.out, side
        case ir.For(carried=carried) | ir.While(carried=carried):
            for c in carried:
                for given in (c.init, c.next):
                    if given is not None:
                        yield c.head, given
                        yield c.out, given
        case _:
            return


def fill_value(args: tuple[ir.Expr, ...], keywords: tuple[tuple[str, ir.Expr], ...]) -> ir.Expr:
    """The second argument of ``np.full``."""
    if len(args) > 1:
        return args[1]
    return dict(keywords)["fill_value"]


def check_rules(fn: ir.Function, activity: Activity) -> None:
    """Every function applied to an active value has a derivative rule."""
    for stmt in statements(fn.body):
        if isinstance(stmt, ir.Assign) and stmt.target in activity:
            match stmt.value:
                case ir.Apply(name, args) if rule_for(name) is None and any(
                    a in activity for a in args if isinstance(a, ir.Var)
                ):
                    raise MissingRuleError(
                        f"no derivative rule for {name}",
                        stmt.loc,
                        "Write it with functions that have one (see adcompile.rules).",
                    )
                case _:
                    pass
