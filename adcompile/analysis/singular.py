"""Statements whose partials may be infinite or nan although the result of the program is finite.

There, nothing times an infinite number is nothing, as where a row of the table says so (strong
zero).  Elsewhere that would cost a comparison per product.  Three patterns tell:

*Infinity as a value*: a literal infinity flows into an operand, as in ``cost = np.full(n, np.inf)``
of dynamic programming.

*A choice after the fact*: ``np.where(x > 0, np.log(x), 0)``, ``max(np.log(x), -9)``.  The operand
that is not chosen gets an adjoint of zero, and may have a pole or overflow.  The operands of a
choice are followed back in their block, as long as nothing else reads them.

*A test after the fact*: ``if not np.isfinite(y): break``.  What the test finds is not used; what is
asked may be a number that an infinite one has led to.  Of ``t = weight[i] * x[i]`` and
``if not np.isnan(t)`` a factor may be nan already: the expression that is asked has a strong zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from adcompile.analysis.activity import Activity, float_operands, flows
from adcompile.analysis.alias import Roots
from adcompile.ir import nodes as ir
from adcompile.ir.walk import blocks, statements, stmt_exprs, subexpressions

_EXTREMA = frozenset(("min", "max", "np.minimum", "np.maximum", "np.fmin", "np.fmax"))
_TESTS = ("isfinite", "isnan", "isinf")
_LINEAR = frozenset(("float", "abs", "np.abs", "math.fabs", "np.negative", *_EXTREMA))
_BOUNDED = frozenset(  # with partials that are finite wherever the value is
    f"{module}.{name}"
    for module in ("math", "np")
    for name in ("sin", "cos", "tanh", "atan", "arctan", "fabs", "abs", "floor", "ceil", "sign")
)


def with_guards(fn: ir.Function, roots: Roots, activity: Activity) -> Activity:
    """``activity`` that knows the statements of ``fn`` (ssa) which need the strong zero."""
    infinite = _infinite(fn, roots)
    found = {id(s) for s in statements(fn.body) if infinite and _multiplies(s, infinite, roots)}
    found |= _tested(fn, roots)
    choices = _Choices(fn, found)
    choices.block(fn.body)
    found |= _expressions_asked(fn, roots, choices.uses)
    return replace(activity, guards=frozenset(found))


# ---------------------------------------------------------------- infinity as a value


def _infinite(fn: ir.Function, roots: Roots) -> set[ir.Var]:
    """The variables, arrays by root, into which a literal infinity flows."""
    found: set[ir.Var] = set()

    def mark(var: ir.Var) -> None:
        found.update(roots.get(var, (var,)))

    every = list(statements(fn.body))
    for stmt in every:
        if any(_has_infinity(top) for top in stmt_exprs(stmt)):
            match stmt:
                case ir.Assign(target, ir.Apply(name)) if name in _EXTREMA:
                    pass
                case ir.Assign(target) | ir.Alloc(target):
                    mark(target)
                case ir.Store(array) | ir.Fill(array) | ir.Accumulate(array):
                    mark(array)
                case _:
                    pass
    size = 0
    while size != len(found):
        size = len(found)
        for stmt in every:
            if isinstance(stmt, ir.Assign) and _bounds(stmt.value, found, roots):
                continue
            for target, source in flows(stmt):
                if isinstance(stmt, ir.For) and _is_zero_trip(stmt, target, source):
                    continue
                if _in(source, found, roots):
                    mark(target)
    return found


def _has_infinity(expr: ir.Expr) -> bool:
    return any(
        isinstance(e, ir.Const) and isinstance(e.value, float) and math.isinf(e.value)
        for e in subexpressions(expr)
    )


def _bounds(value: ir.Expr, found: set[ir.Var], roots: Roots) -> bool:
    """An extremum with a finite operand: max(-inf, x)."""
    if not isinstance(value, ir.Apply) or value.fn not in _EXTREMA:
        return False
    return any(isinstance(a, ir.Var | ir.Load) and not _in(a, found, roots) for a in value.args)


def _is_zero_trip(loop: ir.For, target: ir.Var, source: ir.Var | ir.Load) -> bool:
    """The way past a loop that does not run."""
    return any(c.out is target and c.init is source for c in loop.carried)


def _in(source: ir.Var | ir.Load, found: set[ir.Var], roots: Roots) -> bool:
    return not found.isdisjoint(_marks(source, roots))


def _marks(source: ir.Var | ir.Load, roots: Roots) -> Iterable[ir.Var]:
    var = source.array if isinstance(source, ir.Load) else source
    return roots.get(var, (var,))


def _multiplies(stmt: ir.Stmt, infinite: set[ir.Var], roots: Roots) -> bool:
    """Whether a partial of the statement may depend on one of these."""
    match stmt:
        case ir.Assign(_, value) if _is_product(value):
            return any(_in(operand, infinite, roots) for operand in float_operands(value))
        case _:
            return False


def _is_product(value: ir.Expr) -> bool:
    match value:
        case ir.Binary("*", a, b):
            return not isinstance(a, ir.Const) and not isinstance(b, ir.Const)
        case ir.Binary("/" | "**" | "%"):
            return True
        case ir.Apply(fn):
            return fn not in _LINEAR
        case _:
            return False


# ---------------------------------------------------------------- tests


def _tested(fn: ir.Function, roots: Roots) -> set[int]:
    """The poles on the way to what is asked whether it is finite, and the products behind them."""
    every = list(statements(fn.body))
    asked = _asked(every, roots)
    if not asked:
        return set()
    _spread(asked, [(s, t) for stmt in every for t, s in flows(stmt)], roots)
    made = [s for s in every if isinstance(s, ir.Assign) and _in(s.target, asked, roots)]
    poles = [stmt for stmt in made if _has_pole(stmt.value)]
    singular = {stmt.target for stmt in poles}
    links = [(t, s) for stmt in every for t, s in flows(stmt) if _in(t, asked, roots)]
    _spread(singular, links, roots)
    return {id(stmt) for stmt in poles} | {
        id(stmt) for stmt in made if _multiplies(stmt, singular, roots)
    }


def _asked(every: list[ir.Stmt], roots: Roots) -> set[ir.Var]:
    """What stands in such tests: variables, arrays by root."""
    found: set[ir.Var] = set()
    for stmt in every:
        for part in (p for top in stmt_exprs(stmt) for p in subexpressions(top)):
            if isinstance(part, ir.Apply) and part.fn.split(".")[-1] in _TESTS:
                for read in (e for arg in part.args for e in subexpressions(arg)):
                    if isinstance(read, ir.Var | ir.Load):
                        found.update(_marks(read, roots))
    return found


def _expressions_asked(fn: ir.Function, roots: Roots, uses: dict[ir.Var, int]) -> set[int]:
    """The products in the expressions whose value is asked; ``uses``: by how many statements
    derivatives come to a variable.  What an array keeps is one expression with what made it."""
    every = list(statements(fn.body))
    asked = _asked(every, roots) | _compared_to_themselves(every, roots)
    if not asked:
        return set()
    made = {s.target: s for s in every if isinstance(s, ir.Assign)}
    stored: dict[ir.Var, list[ir.Var]] = {}
    for stmt in every:
        if isinstance(stmt, ir.Store) and isinstance(stmt.value, ir.Var):
            for root in _marks(stmt.array, roots):
                stored.setdefault(root, []).append(stmt.value)
    found: set[int] = set()
    pending, seen = list(asked), set(asked)
    while pending:
        var = pending.pop()
        more = list(stored.get(var, ()))
        if (made_by := made.get(var)) is not None:
            if _is_product(made_by.value):
                found.add(id(made_by))
            for operand in float_operands(made_by.value):
                if isinstance(operand, ir.Load):
                    more += _marks(operand, roots)
                elif uses.get(operand) == 1:
                    more.append(operand)
        pending += [v for v in more if v not in seen]
        seen.update(more)
    return found


def _compared_to_themselves(every: list[ir.Stmt], roots: Roots) -> set[ir.Var]:
    """``v != v``, which only nan is, and what is chosen by that; not as a part of a condition,
    where the greatest of numbers is sought."""
    found: set[ir.Var] = set()
    answers: set[ir.Expr] = set()
    for stmt in every:
        match stmt:
            case (
                ir.Assign(_, ir.Compare("!=" | "==", a, b) as test)
                | ir.Assign(_, ir.Select(ir.Compare("!=" | "==", a, b) as test))
                | ir.If(ir.Compare("!=" | "==", a, b) as test)
            ) if a == b and isinstance(a, ir.Var | ir.Load):
                found.update(_marks(a, roots))
                answers |= {test, stmt.target} if isinstance(stmt, ir.Assign) else set()
            case _:
                pass
    for stmt in every:
        match stmt:
            case ir.Assign(_, ir.Select(cond, one, other)) if cond in answers:
                for part in (one, other):
                    if isinstance(part, ir.Var | ir.Load):
                        found.update(_marks(part, roots))
            case _:
                pass
    return found


def _spread(
    found: set[ir.Var], links: Sequence[tuple[ir.Var | ir.Load, ir.Var | ir.Load]], roots: Roots
) -> None:
    """Add to ``found`` the first of each pair whose second is in it."""
    size = -1
    while size != len(found):
        size = len(found)
        for to, source in links:
            if _in(source, found, roots):
                found.update(_marks(to, roots))


# ---------------------------------------------------------------- choices


class _Choices:
    def __init__(self, fn: ir.Function, found: set[int]) -> None:
        self.found = found
        self.uses: dict[ir.Var, int] = {}  # through which derivatives flow
        for stmt in statements(fn.body):
            for operand in _sources(stmt):
                if isinstance(operand, ir.Var):
                    self.uses[operand] = self.uses.get(operand, 0) + 1

    def block(self, block: ir.Block) -> None:
        for stmt in block:
            for inner in blocks(stmt):
                self.block(inner)
        if any(isinstance(stmt, ir.Assign) and _chooses(stmt.value) for stmt in block):
            self.straight(block)

    def straight(self, block: ir.Block) -> None:
        """Operands of choices, back to where others read them; then poles, forward."""
        seen: dict[ir.Var, int] = {}
        chosen: set[ir.Var] = set()
        for stmt in reversed(block):
            if not isinstance(stmt, ir.Assign):
                continue
            inside = stmt.target in chosen and seen.get(stmt.target) == self.uses[stmt.target]
            if not inside:
                chosen.discard(stmt.target)
            if inside or _chooses(stmt.value):
                for operand in float_operands(stmt.value):
                    if isinstance(operand, ir.Var):
                        chosen.add(operand)
                        seen[operand] = seen.get(operand, 0) + 1
        singular: set[ir.Var] = set()
        for stmt in block:
            if not isinstance(stmt, ir.Assign) or stmt.target not in chosen:
                continue
            reads = [v for v in float_operands(stmt.value) if isinstance(v, ir.Var)]
            tainted = not singular.isdisjoint(reads)
            if _has_pole(stmt.value) or (tainted and _is_product(stmt.value)):
                self.found.add(id(stmt))
            if _has_pole(stmt.value) or tainted:
                singular.add(stmt.target)


def _sources(stmt: ir.Stmt) -> Iterator[ir.Var | ir.Load]:
    for _, source in flows(stmt):
        yield source
    if isinstance(stmt, ir.Return):
        for top in stmt_exprs(stmt):
            yield from (e for e in subexpressions(top) if isinstance(e, ir.Var))


def _chooses(value: ir.Expr) -> bool:
    return isinstance(value, ir.Select) or (isinstance(value, ir.Apply) and value.fn in _EXTREMA)


def _has_pole(value: ir.Expr) -> bool:
    """An operation whose partials may be infinite, or nan, for finite operands."""
    match value:
        case ir.Binary("/", _, divisor):
            return not isinstance(divisor, ir.Const)
        case ir.Binary("**", _, ir.Const(value=int() | float() as power)):
            return power < 0 or power != int(power)
        case ir.Binary("**"):
            return True
        case ir.Apply(fn):
            return fn not in _LINEAR and fn not in _BOUNDED
        case _:
            return False
