"""Lines of elements in strips: what cannot run on several lanes waits until the rest has (plain
dialect).

    for j in range(1, n - 1):                     for j_0 in range(1, n - 1, 256):
        g = ...                                       first = max(j_0, 1)
        x_adj[j - 1] += g                             size = min(256, n - 1 - first)
        x_adj[j + 1] += g               ->            for k in range(size):
                                                          j = first + k
                                                          g = ...
                                                          x_adj[j - 1] += g
                                                          g_strip[k] = g
                                                      for k in range(size):
                                                          j = first + k
                                                          x_adj[j + 1] += g_strip[k]

(The maximum tells LLVM that j does not count from the end.)

Neighbours that send to each other, columns of matrices, and sums whose order is the user's wait,
in strips that stay in the first cache.  Each sum has the same terms as before: the user's in the
same order, adjoints in another one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from numba.core import types as nt

from adcompile.analysis.activity import Types
from adcompile.errors import Loc
from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    blocks,
    map_blocks,
    reads,
    stmt_defs,
    stmt_exprs,
    subexpressions,
)
from adcompile.optimise.arrays_used import Arrays
from adcompile.optimise.linear import Place, Subscripts, distance
from adcompile.optimise.strip_loops import StripLoop
from adcompile.optimise.vectorise import handed_on, steps_of_sum

_FEWEST = 16  # iterations that are worth it, where their number is known
_ONE = ir.Const(1)
_SMALL = (ir.Const(2), ir.Const(3))  # exponents: products
_MOST = 12  # strips of one loop
_ROOTS = frozenset(("math.sqrt", "np.sqrt"))
_ON_LANES = _ROOTS | {
    *("abs", "np.abs", "math.fabs", "np.fabs", "float", "rt.plus", "rt.trips"),
    *("max", "min", "np.maximum", "np.minimum"),
}


def run_in_strips(fn: ir.Function, primal: Types) -> ir.Function:
    """``primal``: the types of the user's variables; their arrays keep the order of what is added
    to them."""
    return replace(fn, body=_block(fn.body, Arrays(fn.body), primal))


def _block(block: ir.Block, arrays: Arrays, primal: Types) -> ir.Block:
    out: list[ir.Stmt] = []
    for stmt in block:
        if isinstance(stmt, ir.For) and _is_plain(stmt):
            out.extend(_Line(stmt, arrays, primal).strips())
        else:
            inner = blocks(stmt)
            out.append(map_blocks(lambda b: _block(b, arrays, primal), stmt) if inner else stmt)
    return tuple(out)


def _is_plain(loop: ir.For) -> bool:
    """An innermost loop from one number to the next, over simple statements."""
    simple = ir.Assign | ir.Store | ir.Accumulate | ir.Comment
    if loop.exit is not None or not all(isinstance(s, simple) for s in loop.body):
        return False
    assigned = {v for s in loop.body for v in stmt_defs(s)}
    if any(v in assigned for v in reads(loop.stop)):
        return False
    match loop.start, loop.stop, loop.step:
        case ir.Const(int() as a), ir.Const(int() as b), _ if abs(a - b) < _FEWEST:
            return False
        case _, _, ir.Const(1 | -1):
            return True
        case _:
            return False


class _Line:
    """One such loop.  ``uses``: of arrays that it writes to, with positions and elements; None
    where something else is read or written."""

    def __init__(self, loop: ir.For, arrays: Arrays, primal: Types) -> None:
        self.loop, self.primal = loop, primal
        self.assigned = {v for s in loop.body for v in stmt_defs(s)} | {loop.var}
        self.subscripts = Subscripts(loop, self.assigned, arrays)
        low = arrays.low(loop.start if loop.step == _ONE else loop.stop)
        self.lowest = -1 if low is None else low + (loop.step != _ONE)  # -1: it may be negative
        self.uses: dict[ir.Var, list[tuple[int, bool, Place]] | None] = {}
        for array, uses in arrays.written_in(loop, self.assigned):
            self.uses[array] = None if uses is None else self.placed(array)

    def placed(self, array: ir.Var) -> list[tuple[int, bool, Place]] | None:
        """(position, whether it is only added to, element)."""
        found: list[tuple[int, bool, Place]] = []
        for k, stmt in enumerate(self.loop.body):
            parts = (e for top in stmt_exprs(stmt) for e in subexpressions(top))
            indices: list[tuple[tuple[ir.Index, ...], bool]] = []
            indices += [
                (e.index, False) for e in parts if isinstance(e, ir.Load) and e.array is array
            ]
            if isinstance(stmt, ir.Store | ir.Accumulate) and stmt.array is array:
                indices.append((stmt.index, isinstance(stmt, ir.Accumulate)))
            for index, added in indices:
                place = self.subscripts.place(index)
                if place is None:
                    return None
                found.append((k, added, place))
        return found

    def strips(self) -> Iterator[ir.Stmt]:
        made: _Split | None = None
        if self.lowest >= 0:
            waiting, serial = self.scattered()
            early: set[int] = set()
            if serial:
                waiting = waiting if self.is_cheap(self.without(waiting)) else set()
            elif waiting or not self.is_cheap(self.loop.body):
                early = self.columns()
                waiting |= self.ordered_sums()
                if not self.on_lanes(self.without(waiting)):
                    waiting, early = set(), set()
            made = _Split(self, waiting, early) if waiting or early else None
        yield from (self.loop,) if made is None or len(made.strips) > _MOST else made.statements()

    def without(self, waiting: set[int]) -> list[ir.Stmt]:
        return [s for k, s in enumerate(self.loop.body) if k not in waiting]

    # ------------------------------------------------------------ what is added to neighbours

    def scattered(self) -> tuple[set[int], bool]:
        """Positions of statements that add to other elements of a row than the rest of the loop
        touches, or to a column; and whether some of them cannot wait: then all wait that can."""
        found: set[int] = set()
        stuck = False
        for keep_one in (True, False):
            for array, uses in self.uses.items():
                if array not in self.primal and uses is not None:
                    moving, left = self.scattered_to(uses, keep_one)
                    found |= moving
                    stuck |= left
            if not stuck:
                break
        return found, stuck

    def scattered_to(
        self, uses: list[tuple[int, bool, Place]], keep_one: bool
    ) -> tuple[set[int], bool]:
        others = [(k, place) for k, added, place in uses if not added]
        adds = [(k, place) for k, added, place in uses if added]
        stay = {place for _, place in others}
        if keep_one:
            busy = {place[:-1] for place in stay}
            rows: dict[Place, list[Place]] = {}
            for _, place in adds:
                if _is_unit(place) and place[:-1] not in busy:
                    rows.setdefault(place[:-1], []).append(place)
            stay |= {max(row, key=row.count) for row in rows.values()}
        found: set[int] = set()
        stuck = False
        for k, place in adds:
            if place in stay or not any(part.slope for part in place):
                continue
            if all(self.is_before(u, place_u, k, place) for u, place_u in others):
                found.add(k)
            else:
                stuck = True
        return found, stuck

    def is_before(self, use: int, place: Place, add: int, target: Place) -> bool:
        """Where they meet, the use comes before the addition."""
        gap = distance(target, place)
        if isinstance(gap, str):
            return gap == "never"
        gap *= 1 if self.loop.step == _ONE else -1
        return gap < 0 or (gap == 0 and use < add)

    def columns(self) -> set[int]:
        """Positions of loads from neighbouring rows of arrays that the loop does not write to."""
        found: set[int] = set()
        for k, stmt in enumerate(self.loop.body):
            match stmt:
                case ir.Assign(target, ir.Load(array, index)) if array not in self.uses:
                    place = self.subscripts.place(index)
                    if place is None or self.primal.get(target) != nt.float64:
                        continue
                    if any(part.slope for part in place) and not _is_unit(place):
                        found.add(k)
                case _:
                    pass
        return found

    # ------------------------------------------------------------ the user's sums

    def ordered_sums(self) -> set[int]:
        """Positions of the statements that only add up what the user wants added in order."""
        inner, found = self.loop.body, set[int]()
        for var in handed_on(inner):
            names = steps_of_sum(var, inner, ordered=True)
            if names is None or steps_of_sum(var, inner, ordered=False) is not None:
                continue
            if all(self.primal.get(v) == nt.float64 for v in names):
                found |= {k for k, s in enumerate(inner) if not names.isdisjoint(stmt_defs(s))}
        return found

    # ------------------------------------------------------------ is it worth it?

    def is_cheap(self, body: Sequence[ir.Stmt]) -> bool:
        for stmt in body:
            for part in (e for top in stmt_exprs(stmt) for e in subexpressions(top)):
                match part:
                    case ir.Binary("**", _, exponent) if exponent in _SMALL:
                        pass
                    case ir.Binary("/" | "**" | "//" | "%"):
                        return False
                    case ir.Apply(name) if name.startswith("vm.") or name in _ROOTS:
                        return False
                    case ir.Apply(name) if name not in _ON_LANES:
                        return False
                    case _:
                        pass
        return True

    def on_lanes(self, body: list[ir.Stmt]) -> bool:
        """Whether LLVM can run ``body`` on several lanes, as far as one can tell."""
        for stmt in body:
            for part in (e for top in stmt_exprs(stmt) for e in subexpressions(top)):
                match part:
                    case ir.Binary("//" | "%"):
                        return False
                    case ir.Binary("**", _, exponent) if exponent not in _SMALL:
                        return False
                    case ir.Apply(name) if name not in _ON_LANES and not name.startswith("vm."):
                        return False
                    case _:
                        pass
        inner = tuple(body)
        if any(steps_of_sum(v, inner, ordered=False) is None for v in handed_on(inner)):
            return False
        positions = {k for k, s in enumerate(self.loop.body) if any(s is one for one in body)}
        return all(
            uses is not None and self.are_apart([p for k, _, p in uses if k in positions])
            for uses in self.uses.values()
        )

    def are_apart(self, places: list[Place]) -> bool:
        """Different iterations touch different elements; rows are told apart at run time."""
        return all(
            any(part.slope for part in one) and (one[:-1] != other[:-1] or one == other)
            for k, one in enumerate(places)
            for other in places[: k + 1]
        )


def _is_unit(place: Place) -> bool:
    """Neighbours in memory in neighbouring iterations, for arrays in C order."""
    return place[-1].slope == 1 and not any(part.slope for part in place[:-1])


class _Split:
    """The loop whose loads at ``early`` come before the others, strip by strip, and whose
    statements at ``waiting`` come after them."""

    def __init__(self, line: _Line, waiting: set[int], early: set[int]) -> None:
        self.line, self.loop = line, line.loop
        self.made = StripLoop(line.loop, line.lowest)
        self.strips: dict[object, ir.Var] = {}
        self.before: list[ir.Stmt] = []
        self.main: list[ir.Stmt] = []
        self.later: dict[object, list[ir.Stmt]] = {}
        known: dict[ir.Var, object] = {}  # what stands for the value that a variable has
        for k, stmt in enumerate(self.loop.body):
            if k in waiting:
                self.wait(k, stmt, known)
            else:
                self.main.append(self.loaded(stmt) if k in early else stmt)
                for var in stmt_defs(stmt):
                    known[var] = object()
                match stmt:
                    case ir.Assign(target, ir.Var() as value):
                        known[target] = known.get(value, value)
                    case _:
                        pass

    def loaded(self, stmt: ir.Stmt) -> ir.Stmt:
        match stmt:
            case ir.Assign(target, ir.Load(array, index), loc=loc):
                strip = ir.Var("column" if target.temp else f"{target.name}_column")
                self.strips[target] = strip
                place = tuple(map(self.line.subscripts.outside, index))
                load = ir.Load(array, place)
                self.before.append(self.made.store(strip, load, loc))
                return replace(stmt, value=self.made.load(strip))
            case _:
                raise AssertionError(stmt)

    def wait(self, k: int, stmt: ir.Stmt, known: dict[ir.Var, object]) -> None:
        subscripts = self.line.subscripts
        match stmt:
            case ir.Accumulate(array, index, value, op, loc):
                places = tuple(subscripts.outside(i) for i in index if not isinstance(i, ir.Slice))
                last = ir.Accumulate(array, places, self.kept(k, value, known, loc), op, loc)
                place = subscripts.place(index)
                assert place is not None
                # The columns of a row are neighbours in memory.
                self.later.setdefault(k if _is_unit(place) else array, []).append(last)
            case ir.Assign(_, ir.Apply(_, (old, value)) as plus, loc=loc):
                added = replace(plus, args=(old, self.kept(k, value, known, loc)))
                self.later.setdefault("sums", []).append(replace(stmt, value=added))
            case ir.Assign(_, ir.Var()):
                self.later.setdefault("sums", []).append(stmt)
            case ir.Assign(_, ir.Binary(_, _, value) as step, loc=loc):
                after = replace(step, b=self.kept(k, value, known, loc))
                self.later.setdefault("sums", []).append(replace(stmt, value=after))
            case _:
                raise AssertionError(stmt)

    def kept(self, k: int, value: ir.Expr, known: dict[ir.Var, object], loc: Loc) -> ir.Expr:
        """``value`` where it is needed."""
        parts = list(subexpressions(value))
        if not any(isinstance(p, ir.Load | ir.Apply) or p in self.line.assigned for p in parts):
            return value
        key = known.get(value, value) if isinstance(value, ir.Var) else k
        if key not in self.strips:
            match value:
                case ir.Var(name, temp=False):
                    self.strips[key] = ir.Var(f"{name}_strip")
                case _:
                    self.strips[key] = ir.Var("strip")
            self.main.append(self.made.store(self.strips[key], value, loc))
        return self.made.load(self.strips[key])

    def statements(self) -> Iterator[ir.Stmt]:
        parts = [(tuple(self.before), False)] if self.before else []
        parts.append((tuple(self.main), True))
        for key, stmts in self.later.items():
            parts.append((tuple(stmts), key == "sums"))
        return self.made.statements(self.strips.values(), parts)
