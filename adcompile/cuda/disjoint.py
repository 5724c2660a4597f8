"""Whether two iterations of a loop meet at an element (plain dialect), by what is known of the
subscripts: ranges of loops, and conditions around them.

    for t in range(n):                 t < s makes t < t' + s, so that no iteration reads what
        if t < s:                      another one writes
            part[t] += part[t + s]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from adcompile.cuda import inequalities as q
from adcompile.cuda.holds import Holding, on_entry
from adcompile.cuda.kinds import Types, counts_of, integer_variables
from adcompile.cuda.ranges import from_zero, number_in, steps_of, values_of
from adcompile.frontend.kernel_blocks import LOOPS
from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    blocks,
    statements,
    stmt_defs,
    stmt_exprs,
    subexpressions,
)

_FLIPPED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


@dataclass(frozen=True)
class Access:
    """``conditions``: under which it happens.  ``loops``: around it, within the one asked about."""

    array: ir.Var
    index: tuple[ir.Index, ...]
    kind: str  # "read", "write", "add"
    conditions: tuple[ir.Expr, ...]
    loops: tuple[ir.For, ...]
    stmt: ir.Stmt


def accesses_in(loop: ir.For) -> list[Access]:
    """All uses of elements in a loop."""
    return list(_accesses(loop.body, (), ()))


def _accesses(
    block: ir.Block, conditions: tuple[ir.Expr, ...], loops: tuple[ir.For, ...]
) -> Iterator[Access]:
    for stmt in block:
        for top in stmt_exprs(stmt):
            for e in subexpressions(top):
                if isinstance(e, ir.Load):
                    yield Access(e.array, e.index, "read", conditions, loops, stmt)
        match stmt:
            case ir.Store(array, index):
                yield Access(array, index, "write", conditions, loops, stmt)
            case ir.Accumulate(array, index):
                yield Access(array, index, "add", conditions, loops, stmt)
            case ir.If(cond, then, orelse):
                yield from _accesses(then, (*conditions, cond), loops)
                yield from _accesses(orelse, (*conditions, ir.Unary("not", cond)), loops)
            case ir.For(body=body):
                yield from _accesses(body, conditions, (*loops, stmt))
            case _:
                for inner in blocks(stmt):
                    yield from _accesses(inner, conditions, loops)


@dataclass(frozen=True)
class Known:
    """``counts``: parameters that are numbers of blocks or threads, so at least one.  ``indices``:
    variables of loops that are never negative.  ``integers``: variables of integer type.
    ``extents``: of arrays that are made once, of a size that is written.  ``holds``: everywhere."""

    counts: frozenset[ir.Var]
    indices: frozenset[ir.Var]
    integers: frozenset[ir.Var]
    extents: Mapping[ir.Var, tuple[int, ...]]
    holds: Holding

    @staticmethod
    def of(fn: ir.Function, types: Types) -> Known:
        counts = counts_of(fn)
        inner = list(statements(fn.body))
        loops = [s for s in inner if isinstance(s, ir.For)]
        falls = {s.var for s in loops if not from_zero(s)}
        falls |= {v for s in inner if not isinstance(s, ir.For) for v in stmt_defs(s)}
        indices = frozenset(s.var for s in loops) - falls
        stores = {v for s in inner for v in stmt_defs(s)}
        holds = tuple(c for c in on_entry(fn.body) if not stores & set(subexpressions(c)))
        return Known(counts, indices, integer_variables(types), extents_in(inner), holds)


def extents_in(stmts: Sequence[ir.Stmt]) -> dict[ir.Var, tuple[int, ...]]:
    times = Counter(v for s in stmts for v in stmt_defs(s))
    found: dict[ir.Var, tuple[int, ...]] = {}
    for stmt in stmts:
        match stmt:
            case ir.Alloc(target, "np.empty" | "np.zeros", (shape, *_)) if times[target] == 1:
                sizes = shape.items if isinstance(shape, ir.MakeTuple) else (shape,)
                whole = [e.value for e in sizes if isinstance(e, ir.Const)]
                if len(whole) == len(sizes):
                    found[target] = tuple(n for n in whole if isinstance(n, int))
            case ir.Alloc(target, "np.zeros_like", (ir.Var() as like, *_)) if times[target] == 1:
                if like in found:
                    found[target] = found[like]
            case _:
                pass
    return found


def is_over(loop: ir.For, counts: Set[ir.Var]) -> ir.Var | None:
    """The number of blocks or threads that a loop visits all of, in either direction.  The user's
    own loops over ``range(cuda.blockDim.x)`` have other names: those are taken."""
    if not loop.var.name.startswith(LOOPS):
        return None
    match loop:
        case ir.For(_, ir.Const(0), ir.Var() as stop, ir.Const(1)) if stop in counts:
            return stop
        case ir.For(_, ir.Binary("-", ir.Var() as start, ir.Const(1)), stop, ir.Const(-1)):
            ends = stop in (ir.Const(-1), ir.Unary("-", ir.Const(1)))
            return start if ends and start in counts else None
        case _:
            return None


class Apart:
    def __init__(self, loop: ir.For, known: Known, holds: Holding) -> None:
        self.holds, self.extents = (*known.holds, *holds), known.extents
        self.loop, self.counts, self.integers = loop, tuple(known.counts), known.integers
        self.indices = known.indices
        inner = list(statements(loop.body))
        times = Counter(v for s in inner for v in stmt_defs(s))
        self.times = times
        self.ranges = {s.var for s in inner if isinstance(s, ir.For) and times[s.var] <= 1}
        self.moving = {loop.var, *times}
        self.fixed = {v: v for v in self.moving}
        self.other = {v: ir.Var(f"{v.name}_other") for v in self.moving}

    def never_meet(self, a: Access, b: Access) -> bool:
        """Whether no two different iterations touch the same element, one by ``a``, the other by
        ``b``."""
        if self.loop.var in self.times or len(a.index) != len(b.index):
            return False
        return self._case(a, b) and self._case(b, a)

    def _case(self, first: Access, second: Access) -> bool:
        """With ``first`` in an iteration before that of ``second``, of a loop that counts up."""
        facts = [*self._facts(first, self.fixed), *self._facts(second, self.other)]
        before, after = self.loop.var, self.other[self.loop.var]
        order = q.plus(q.plus(q.variable(after), q.variable(before), -1), q.constant(-1))
        positive = self._positive(first, self.fixed) | self._positive(second, self.other)
        sizes = [*self.counts]
        products = q.known_of_products([order], sizes)
        least = [q.plus(q.variable(size), q.constant(-1)) for size in sizes]
        facts = _once([order, *products, *facts, *least])
        if q.follows(q.constant(-1), facts, positive):
            return True  # it never happens
        positive |= {k[0] for f in facts if (k := _never_negative(f))}
        equal = {
            **self._equalities(first, self.fixed, facts, positive),
            **self._equalities(second, self.other, facts, positive),
        }
        extents = self.extents.get(first.array, ())
        extents = extents if len(extents) == len(first.index) else ()
        for axis, (left, right) in enumerate(zip(first.index, second.index, strict=True)):
            x, y = self._value(left, self.fixed), self._value(right, self.other)
            if x is None or y is None:
                continue
            gap = q.plus(y, x, -1)
            gaps = [gap]
            if not (q.follows(x, facts, positive) and q.follows(y, facts, positive)):
                if axis >= len(extents):
                    continue  # -1 and n - 1 are the same element
                gaps += [q.plus(gap, q.constant(sign * extents[axis])) for sign in (1, -1)]
            if all(q.differs(one, facts, positive, equal) for one in gaps):
                return True
        return False

    # ------------------------------------------------------------ what is known

    def _facts(self, access: Access, names: dict[ir.Var, ir.Var]) -> Iterator[q.Polynomial]:
        for loop in (self.loop, *access.loops):
            if loop is not self.loop and loop.var not in self.ranges:
                continue
            var = q.variable(names[loop.var])
            values = values_of(loop)
            if values is not None:
                for value in values[:1]:
                    ends = (value, values[-1])
                    yield q.plus(var, q.constant(-min(ends)))
                    yield q.plus(q.constant(max(ends)), var, -1)
                continue
            start, stop = self._value(loop.start, names), self._value(loop.stop, names)
            if self._counts_up(loop):
                low, high = start, q.plus(stop, q.constant(-1)) if stop is not None else None
            elif number_in(loop.step) == -1:
                low, high = q.plus(stop, q.constant(1)) if stop is not None else None, start
            else:
                continue
            if low is not None:
                yield q.plus(var, low, -1)
            if high is not None:
                yield q.plus(high, var, -1)
            if (over := steps_of(loop)) is not None:  # of a loop that steps up by whole numbers
                first, end, step = (self._value(e, names) for e in over)
                if first is not None and end is not None and step is not None:
                    last = q.plus(first, q.product(step, var))
                    if self._is_positive(over[2]):
                        yield q.plus(q.plus(end, last, -1), q.constant(-1))
        for cond in (*self.holds, *access.conditions):
            for op, x, y in self._compared(cond, True, names):
                yield from _inequalities(op, x, y)

    def _counts_up(self, loop: ir.For) -> bool:
        return self._is_positive(loop.step)

    def _is_positive(self, step: ir.Expr) -> bool:
        value = self._value(step, self.fixed)
        return bool(value) and all(
            c > 0 and all(a in self.counts for a in key) for key, c in (value or {}).items()
        )

    def _compared(
        self, cond: ir.Expr, holds: bool, names: dict[ir.Var, ir.Var]
    ) -> Iterator[tuple[str, q.Polynomial, q.Polynomial]]:
        for op, a, b in _comparisons(cond, holds):
            x, y = self._value(a, names), self._value(b, names)
            if x is not None and y is not None:
                yield op, x, y

    def _equalities(
        self,
        access: Access,
        names: dict[ir.Var, ir.Var],
        facts: Sequence[q.Polynomial],
        positive: frozenset[q.Atom],
    ) -> dict[q.Atom, q.Polynomial]:
        """Variables as what is left over plus a multiple: those of loops with steps, and what a
        condition ``a % m == 0`` is about."""
        found: dict[q.Atom, q.Polynomial] = {}
        for loop in access.loops:
            start, step = self._value(loop.start, names), self._value(loop.step, names)
            if loop.var in self.ranges and start is not None and step is not None:
                if step not in ({(): 1}, {(): -1}):
                    times = q.product(step, q.variable(ir.Var("times")))
                    found[names[loop.var]] = q.plus(start, times)
        for cond in (*self.holds, *access.conditions):
            for op, left, rest in _comparisons(cond, True):
                match op, left:
                    case "==", ir.Binary("%", a, by):
                        x, m, r = (self._value(e, names) for e in (a, by, rest))
                    case _:
                        continue
                if x is None or m is None or r is None:
                    continue
                if not q.follows(q.plus(m, q.constant(-1)), facts, positive):
                    continue  # of what would be divided by zero nothing is known
                value = q.plus(r, q.product(m, q.variable(ir.Var("times"))))
                for key, c in x.items():
                    alone = sum(key[0] in k for k in x) == 1 if len(key) == 1 else False
                    if alone and abs(c) == 1 and key[0] not in found:
                        others = q.plus(x, {key: c}, -1)
                        found[key[0]] = q.product(q.constant(c), q.plus(value, others, -1))
                        break
        return found

    def _positive(self, access: Access, names: dict[ir.Var, ir.Var]) -> frozenset[q.Atom]:
        """Sizes, and loops that count up from zero."""
        found: set[q.Atom] = {*self.counts, *(names.get(v, v) for v in self.indices)}
        for loop in (self.loop, *access.loops):
            if loop.start == ir.Const(0) and self._counts_up(loop):
                if loop is self.loop or loop.var in self.ranges:
                    found.add(names[loop.var])
        tops = [e for a in access.index if not isinstance(a, ir.Slice) for e in subexpressions(a)]
        tops += [e for c in access.conditions for e in subexpressions(c)]
        tops += [e for one in access.loops for e in subexpressions(one.stop)]
        found.update(e for e in tops if isinstance(e, ir.Dim))
        return frozenset(found)

    def _value(self, expr: ir.Index, names: dict[ir.Var, ir.Var]) -> q.Polynomial | None:
        match expr:
            case ir.Const(bool()):
                return None
            case ir.Const(int() as value):
                return q.constant(value)
            case ir.Var():
                if expr not in self.integers:
                    return None
                if expr in self.moving and expr is not self.loop.var and expr not in self.ranges:
                    return None
                return q.variable(names.get(expr, expr))
            case ir.Dim(array):
                return q.variable(expr) if array not in self.moving else None
            case ir.Apply("rt.trips", (ir.Var() as count,)) if count in self.counts:
                return q.variable(count)
            case ir.Unary("-", x):
                inner = self._value(x, names)
                return None if inner is None else q.plus({}, inner, -1)
            case ir.Binary("+" | "-" | "*" as op, a, b):
                left, right = self._value(a, names), self._value(b, names)
                if left is None or right is None:
                    return None
                sign = 1 if op == "+" else -1
                return q.product(left, right) if op == "*" else q.plus(left, right, sign)
            case _:
                return None


def _comparisons(cond: ir.Expr, holds: bool) -> Iterator[tuple[str, ir.Expr, ir.Expr]]:
    """Of a condition that ``holds`` or does not, those that it consists of."""
    match cond:
        case ir.Unary("not", inner):
            yield from _comparisons(inner, not holds)
        case ir.Logic(op, a, b) if (op == "and") == holds:
            yield from _comparisons(a, holds)
            yield from _comparisons(b, holds)
        case ir.Binary("&", a, b) if holds:
            yield from _comparisons(a, holds)
            yield from _comparisons(b, holds)
        case ir.Compare(op, a, b):
            yield (op if holds else _FLIPPED[op]), a, b
        case _:
            pass


def _inequalities(op: str, x: q.Polynomial, y: q.Polynomial) -> Iterator[q.Polynomial]:
    """``x op y`` as what is not negative."""
    if op in ("<", "<=", "=="):
        yield q.plus(q.plus(y, x, -1), q.constant(-(op == "<")))
    if op in (">", ">=", "=="):
        yield q.plus(q.plus(x, y, -1), q.constant(-(op == ">")))


def _once(facts: Sequence[q.Polynomial]) -> list[q.Polynomial]:
    return list({frozenset(fact.items()): fact for fact in facts}.values())


def _never_negative(fact: q.Polynomial) -> q.Monomial:
    """The variable that a fact says is not negative, if it is about one alone."""
    keys = [key for key in fact if key]
    alone = len(keys) == 1 and len(keys[0]) == 1 and fact[keys[0]] > 0
    return keys[0] if alone and fact.get((), 0) <= 0 else ()


def meeting(
    loop: ir.For,
    known: Known,
    local: Set[ir.Var],
    only: ir.Var | None = None,
    holds: Holding = (),
) -> dict[ir.Var, list[tuple[Access, Access]]]:
    """Arrays that are not ``local``, with pairs of accesses by which two iterations may meet at an
    element, one of them a write; or that array ``only``.  ``holds``: when the loop begins."""
    apart = Apart(loop, known, holds)
    found: dict[ir.Var, list[tuple[Access, Access]]] = {}
    uses: dict[ir.Var, list[Access]] = {}
    for access in accesses_in(loop):
        if access.array not in local and only in (None, access.array):
            uses.setdefault(access.array, []).append(access)
    for array, all_of in uses.items():
        for k, one in enumerate(all_of):
            for other in all_of[k:]:
                if one.kind == other.kind == "read" or apart.never_meet(one, other):
                    continue
                found.setdefault(array, []).append((one, other))
    return found
