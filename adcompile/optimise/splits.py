"""Mathematics between inner loops on several lanes (plain dialect).

    for j in range(n):                            for j_0 in range(0, n, 256):
        s = 0.0                                       first, size = ...
        for k in range(m):                            for k in range(size):
            s += w[j, k] * x[k]           ->              j = first + k
        h[j] = np.tanh(s)                                 s = 0.0
                                                          for k_2 in range(m):
                                                              s += w[j, k_2] * x[k_2]
                                                          s_strip[k] = s
                                                      for k in range(size):
                                                          j = first + k
                                                          s = s_strip[k]
                                                          h[j] = vm.tanh(s)

The parts of the body meet in numbers only, which wait in strips; each part has its iterations in
the order they had, so that all sums stay as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace

from numba.core import types as nt

from adcompile.analysis.activity import Types
from adcompile.analysis.exposed import defined_after, exposed
from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    blocks,
    map_blocks,
    reads,
    statements,
    stmt_defs,
    stmt_exprs,
    stmt_reads,
    subexpressions,
)
from adcompile.optimise.arrays_used import Arrays
from adcompile.optimise.copies import late_copies, without_idle_copies
from adcompile.optimise.strip_loops import StripLoop
from adcompile.optimise.vectorise import handed_on, steps_of_sum
from adcompile.vectormath import REPLACES

_FEWEST = 16  # iterations that are worth it, where their number is known
_MOST = 6  # strips of one loop
_SIMPLE = ir.Assign | ir.Store | ir.Accumulate | ir.Comment
_ONE = ir.Const(1)


def split_mathematics(fn: ir.Function, primal: Types, adjoints: Set[ir.Var]) -> ir.Function:
    """``primal``: the types of the user's variables; ``adjoints``: variables that hold adjoints."""
    numbers = {v for v, kind in primal.items() if kind == nt.float64}
    if nt.float32 not in primal.values():
        numbers |= adjoints
    return replace(fn, body=_Splitter(fn, numbers).block(fn.body))


class _Splitter:
    """``numbers``: the variables that may wait in strips."""

    def __init__(self, fn: ir.Function, numbers: Set[ir.Var]) -> None:
        self.numbers = numbers | _computed_from(numbers, fn.body)
        self.arrays = Arrays(fn.body)
        self.reads = Counter(v for s in statements(fn.body) for v in stmt_reads(s))

    def block(self, block: ir.Block) -> ir.Block:
        out: list[ir.Stmt] = []
        for stmt in block:
            split = self.split(stmt) if isinstance(stmt, ir.For) else None
            if split is not None:
                out.extend(split)
            else:
                out.append(map_blocks(self.block, stmt) if blocks(stmt) else stmt)
        return tuple(out)

    def split(self, loop: ir.For) -> list[ir.Stmt] | None:
        if not _may_split(loop):
            return None
        ahead = loop.step == _ONE
        low = self.arrays.low(loop.start if ahead else loop.stop)
        lowest = -1 if low is None else low + (not ahead)
        inside = Counter(v for s in statements((loop,)) for v in stmt_reads(s))
        later = {v for v, count in inside.items() if self.reads[v] > count}
        loop = replace(loop, body=late_copies(without_idle_copies(loop.body, later)))
        parts = _parts(loop.body)
        if lowest < 0 or len(parts) == 1 or not _are_apart(loop, parts, self.arrays):
            return None
        meeting = _meeting(loop, parts, self.numbers, later)
        if meeting is None or len(meeting.strips) > _MOST:
            return None
        made = StripLoop(loop, lowest)
        done: list[tuple[ir.Block, bool]] = []
        for k, part in enumerate(parts):
            first = (ir.Assign(v, made.load(meeting.strips[v])) for v in meeting.read[k])
            last = (made.store(meeting.strips[v], v, loop.loc) for v in meeting.written[k])
            done.append(((*meeting.again[k], *first, *part, *last), True))
        return list(made.statements(meeting.strips.values(), done))


def _computed_from(numbers: Set[ir.Var], body: ir.Block) -> set[ir.Var]:
    """Further variables that hold floats."""
    values: dict[ir.Var, list[ir.Expr]] = {}
    for stmt in statements(body):
        match stmt:
            case ir.Assign(target, value):
                values.setdefault(target, []).append(value)
            case _:
                for var in stmt_defs(stmt):
                    values.setdefault(var, []).append(ir.Const(None))  # not a float

    def is_float(expr: ir.Expr) -> bool:
        match expr:
            case ir.Const():
                return isinstance(expr.value, float)
            case ir.Var():
                return expr in numbers or expr in found
            case ir.Unary("-", operand):
                return is_float(operand)
            case ir.Binary("+" | "-" | "*", a, b):
                return is_float(a) and is_float(b)
            case _:
                return False

    found = set(values) - numbers
    size = -1
    while size != len(found):
        size = len(found)
        found = {v for v in found if all(map(is_float, values[v]))}
    return found


def _may_split(loop: ir.For) -> bool:
    """A loop from one number to the next, over simple statements and loops over such."""
    inner = list(statements(loop.body))
    if not any(isinstance(s, ir.For) for s in loop.body) or loop.exit is not None:
        return False
    if not all(
        isinstance(s, _SIMPLE) or (isinstance(s, ir.For | ir.If) and not _leaves(s)) for s in inner
    ):
        return False
    assigned = {v for s in inner for v in stmt_defs(s)}
    if any(v in assigned for v in reads(loop.stop)):
        return False
    if any(isinstance(e, ir.Load) for e in subexpressions(loop.stop)):
        return False
    match loop.start, loop.stop, loop.step:
        case ir.Const(int() as a), ir.Const(int() as b), _ if abs(a - b) < _FEWEST:
            return False
        case _, _, ir.Const(1 | -1):
            return True
        case _:
            return False


def _leaves(stmt: ir.For | ir.If) -> bool:
    return isinstance(stmt, ir.For) and stmt.exit is not None


def _parts(body: ir.Block) -> list[ir.Block]:
    """Runs of simple statements with mathematical functions apart from what is around them."""
    runs: list[list[ir.Stmt]] = [[]]
    for stmt in body:
        simple = isinstance(stmt, _SIMPLE)
        if runs[-1] and simple != isinstance(runs[-1][-1], _SIMPLE):
            runs.append([])
        runs[-1].append(stmt)
    worth = [_is_worth_it(run) for run in runs]
    for k, run in enumerate(runs[:-1]):
        while worth[k] and _is_start(run[-1]):
            runs[k + 1].insert(0, run.pop())
    parts: list[ir.Block] = []
    for k, run in enumerate(runs):
        if k == 0 or worth[k] or worth[k - 1]:
            parts.append(tuple(run))
        else:
            parts[-1] += tuple(run)
    return parts


def _is_start(stmt: ir.Stmt) -> bool:
    """Whether ``stmt`` gives a variable the value with which a loop begins."""
    return isinstance(stmt, ir.Assign) and isinstance(stmt.value, ir.Var | ir.Const)


def _is_worth_it(run: Sequence[ir.Stmt]) -> bool:
    if not all(isinstance(s, _SIMPLE) for s in run):
        return False
    inner = tuple(run)
    if any(steps_of_sum(v, inner, ordered=True) is None for v in handed_on(inner)):
        return False
    return any(
        isinstance(e, ir.Apply) and e.fn in REPLACES
        for s in run
        for top in stmt_exprs(s)
        for e in subexpressions(top)
    )


def _are_apart(loop: ir.For, parts: Sequence[ir.Block], arrays: Arrays) -> bool:
    """Whether no part meets another in an array, but for elements of the same iteration."""
    assigned = {v for s in statements((loop,)) for v in stmt_defs(s)} | {loop.var}
    for array, uses in arrays.written_in(loop, assigned):
        if uses is None:
            return False
        leader = arrays.leader(array)
        within = [p for p in parts if any(arrays.leader(v) is leader for v in _used(p))]
        if len(within) > 1 and not arrays.apart(uses, loop):
            return False
    return True


def _used(block: ir.Block) -> Iterator[ir.Var]:
    for stmt in statements(block):
        yield from stmt_reads(stmt)
        if isinstance(stmt, ir.Store | ir.Accumulate):
            yield stmt.array


@dataclass
class _Meeting:
    """By part: variables that it reads from strips, that it writes to strips, and integers that it
    computes again."""

    strips: dict[ir.Var, ir.Var] = field(default_factory=dict)
    read: list[list[ir.Var]] = field(default_factory=list)
    written: list[list[ir.Var]] = field(default_factory=list)
    again: list[list[ir.Stmt]] = field(default_factory=list)


def _meeting(
    loop: ir.For, parts: Sequence[ir.Block], numbers: Set[ir.Var], later: Set[ir.Var]
) -> _Meeting | None:
    """None if the parts meet in something else than numbers of the same iteration.  ``later``: the
    variables that are read outside of the loop."""
    found = _Meeting(
        read=[[] for _ in parts], written=[[] for _ in parts], again=[[] for _ in parts]
    )
    defined = [{v for s in statements(p) for v in stmt_defs(s)} for p in parts]
    needed = [exposed(p) for p in parts]
    handed = set(exposed(loop.body))
    for var in dict.fromkeys(v for s in statements(loop.body) for v in stmt_defs(s)):
        by = [k for k, d in enumerate(defined) if var in d]
        at = [k for k, n in enumerate(needed) if var in n]
        if var in handed:
            if len({*by, *at}) > 1:
                return None
            continue
        if var in later and len(by) > 1 and not all(_sets_first(parts[k], var) for k in by):
            return None
        for k in at:
            last = max((p for p in by if p < k), default=-1)
            if last < 0 or var not in defined_after(parts[last], needed[last]):
                return None
            if var not in numbers:
                step = _again(parts[last], var, set().union(*defined))
                if step is None:
                    return None
                found.again[k].append(step)
                continue
            found.strips.setdefault(var, ir.Var("strip" if var.temp else f"{var.name}_strip"))
            found.read[k].append(var)
            if var not in found.written[last]:
                found.written[last].append(var)
    return found


def _sets_first(part: ir.Block, var: ir.Var) -> bool:
    """Whether each iteration of ``part`` sets ``var`` before anything else happens to it."""
    for stmt in part:
        if isinstance(stmt, ir.Assign) and stmt.target is var:
            return var not in stmt_reads(stmt)
        if any(var in (*stmt_reads(s), *stmt_defs(s)) for s in statements((stmt,))):
            return False
    return False


def _again(part: ir.Block, var: ir.Var, assigned: Set[ir.Var]) -> ir.Stmt | None:
    """The one statement that sets ``var``, if it computes the same anywhere in the iteration."""
    setting = [s for s in statements(part) if var in stmt_defs(s)]
    match setting:
        case [ir.Assign(_, value) as stmt] if any(s is stmt for s in part):
            parts: Iterable[ir.Expr] = subexpressions(value)
            pure = ir.Const | ir.Var | ir.Dim | ir.Binary | ir.Unary | ir.Compare
            if all(isinstance(e, pure) and e not in assigned for e in parts):
                return stmt
        case _:
            pass
    return None
