"""Outer loops on several threads (plain dialect), for ``parallel=True``.

    for i in range(n):              blocks = block_count(n)
        t += f(x[i])                t_parts = np.zeros(blocks)
        w_adj[k[i]] += g(x[i])      w_adj_parts = buffers(blocks, w_adj)
                              ->    for block in prange(blocks):
                                        t_part = 0.0
                                        w_adj_part = w_adj_parts[block]
                                        for i in range(first(block), first(block + 1)):
                                            t_part += f(x[i])
                                            w_adj_part[k[i]] += g(x[i])
                                        t_parts[block] = t_part
                                    t += the parts, one after the other; w_adj likewise

No two threads write to the same place, and the result depends on the number of threads, not on
which of them comes first.

To wake the threads takes as long as some 20,000 operations.  A loop that runs again and again, in
another one, asks each time whether it has as much to do, and has one thread if not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from numba.core import types as nt

from adcompile.analysis.exposed import exposed
from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    blocks,
    map_blocks,
    rename_block,
    statements,
    stmt_defs,
)
from adcompile.optimise.arrays_used import Arrays
from adcompile.optimise.checks import checks_apart
from adcompile.optimise.factor import is_narrow
from adcompile.optimise.vectorise import handed_on, steps_of_sum
from adcompile.optimise.work import operations

_ZERO, _ONE = ir.Const(0), ir.Const(1)
_ENOUGH = ir.Const(20_000)  # operations


@dataclass
class Remarks:
    """Line of the user's loop -> what became of it."""

    lines: dict[int, str] = field(default_factory=dict)

    def say(self, loop: ir.For, text: str) -> None:
        self.lines.setdefault(loop.loc.line, text)


_RAISES = "it may raise an exception"


class _Sequential(Exception):
    """Why a loop cannot run on several threads."""


def run_parallel(fn: ir.Function, remarks: Remarks, types: Mapping[ir.Var, nt.Type]) -> ir.Function:
    """``fn`` with its outer loops on several threads.  ``types``: of the user's variables."""
    return replace(fn, body=_Parallel(fn, remarks, types).block(fn.body, set()))


class _Parallel:
    def __init__(self, fn: ir.Function, remarks: Remarks, types: Mapping[ir.Var, nt.Type]) -> None:
        self.remarks, self.types = remarks, types
        self.narrow = any(is_narrow(kind) for kind in types.values())
        self.arrays = Arrays(fn.body)
        self.depth = 0  # of loops around

    def block(self, block: ir.Block, live: set[ir.Var]) -> ir.Block:
        """``live``: what is read after the block before it is assigned."""
        out: list[ir.Stmt] = []
        for k, stmt in enumerate(block):
            after = live | set(exposed(block[k + 1 :]))
            if isinstance(stmt, ir.For):
                try:
                    threads = self.loop(stmt, after)
                    out.extend(self.if_worthwhile(stmt, threads) if self.depth else threads)
                    self.remarks.say(stmt, "runs on several threads")
                    continue
                except _Sequential as reason:
                    self.remarks.say(stmt, f"one thread: {reason}")
                    if str(reason) == _RAISES and stmt.order == "any":
                        out.append(stmt)  # it has all the work: loops in it are short
                        continue
            around = isinstance(stmt, ir.For | ir.While)
            if isinstance(stmt, ir.For | ir.While):
                after |= set(exposed(stmt.body))
            self.depth += around
            if blocks(stmt):
                stmt = map_blocks(lambda b, after=after: self.block(b, after), stmt)  # type: ignore[misc]
            self.depth -= around
            out.append(stmt)
        return tuple(out)

    def if_worthwhile(self, loop: ir.For, threads: list[ir.Stmt]) -> list[ir.Stmt]:
        alone = replace(loop, order="sequential")
        match operations(loop):
            case ir.Const() as known:
                return [alone] if known.value < _ENOUGH.value else threads  # type: ignore[operator]
            case asked:
                few = ir.Compare("<", asked, _ENOUGH)
                return [ir.If(few, (alone,), tuple(threads), loc=loop.loc)]

    # ------------------------------------------------------------ one loop

    def loop(self, loop: ir.For, live: set[ir.Var]) -> list[ir.Stmt]:
        if loop.exit is not None or any(isinstance(s, ir.Break) for s in statements(loop.body)):
            raise _Sequential("it can be left early")
        if loop.step != _ONE:
            raise _Sequential("it counts otherwise than upwards by one")
        if isinstance(loop.stop, ir.Const):
            raise _Sequential("it has few iterations")
        checks: list[ir.Stmt] = []
        if any(isinstance(s, ir.Raise) for s in statements(loop.body)):
            apart = checks_apart(loop)
            if apart is None:
                raise _Sequential(_RAISES)
            checks, loop = [apart[0]], apart[1]
        assigned = {v for s in statements(loop.body) for v in stmt_defs(s)}
        self.check_statements(loop, assigned)
        sums = self.sums(loop)
        for var in sorted((assigned - set(sums)) & live, key=lambda v: v.name):
            raise _Sequential(f"{var.name} is used after it")
        return [*checks, *self.split(loop, sums, self.scattered(loop, assigned))]

    def check_statements(self, loop: ir.For, assigned: set[ir.Var]) -> None:
        for stmt in statements(loop.body):
            match stmt:
                case ir.Return():
                    raise _Sequential("it may return")
                case ir.Do() | ir.Call():
                    raise _Sequential("it calls a function that writes")
                case ir.Fill(array) | ir.CopyInto(array) if array not in assigned:
                    raise _Sequential(f"it writes to a part of {array.name}")
                case _:
                    pass

    def sums(self, loop: ir.For) -> dict[ir.Var, set[ir.Var]]:
        """What the iterations add to, with the names of the sum so far."""
        inner = tuple(statements(loop.body))
        found: dict[ir.Var, set[ir.Var]] = {}
        for var in sorted(handed_on(loop.body), key=lambda v: v.name):
            chain = steps_of_sum(var, inner, ordered=loop.order == "any")
            if chain is None and steps_of_sum(var, inner, ordered=True) is not None:
                raise _Sequential(f"{var.name} is summed in the order of range(); use prange")
            if chain is None:
                raise _Sequential(f"each iteration needs {var.name} of the one before")
            if any(isinstance(self.types.get(v), nt.Integer) for v in chain):
                raise _Sequential(f"{var.name} is a sum of integers")
            found[var] = chain
        if found and self.narrow:
            raise _Sequential("it sums in another type than float64")
        return found

    def scattered(self, loop: ir.For, assigned: set[ir.Var]) -> list[ir.Var]:
        """Arrays that several iterations add to: each thread gets its own."""
        found: list[ir.Var] = []
        for array, uses in self.arrays.written_in(loop, assigned):
            if uses is None:
                raise _Sequential(f"{array.name} is written, and may be known by another name")
            if self.arrays.apart(uses, loop):
                continue
            if not all(isinstance(s, ir.Accumulate) for s in uses):
                raise _Sequential(f"its iterations share elements of {array.name}")
            found.append(array)
        return found

    # ------------------------------------------------------------ the loops instead

    def split(
        self, loop: ir.For, sums: dict[ir.Var, set[ir.Var]], scattered: list[ir.Var]
    ) -> list[ir.Stmt]:
        count, block = ir.Var("blocks"), ir.Var("block")
        before: list[ir.Stmt] = [
            ir.Assign(count, ir.Apply("rt.block_count", (loop.start, loop.stop)), loc=loop.loc)
        ]
        begin: list[ir.Stmt] = []
        end: list[ir.Stmt] = []
        after: list[ir.Stmt] = []
        renamed: dict[ir.Var, ir.Var] = {}
        for var, chain in sums.items():
            part, parts = ir.Var(f"{var.name}_part"), ir.Var(f"{var.name}_parts")
            renamed.update(dict.fromkeys(chain, part))
            before.append(ir.Alloc(parts, "np.zeros", (count,)))
            begin.append(ir.Assign(part, ir.Const(0.0)))
            end.append(ir.Store(parts, (block,), part))
            after.append(_total(count, var, parts))
        for array in scattered:
            part, parts = ir.Var(f"{array.name}_part"), ir.Var(f"{array.name}_parts")
            renamed[array] = part
            before.append(ir.Alloc(parts, "rt.buffers", (count, array)))
            begin.append(ir.View(part, parts, (block,)))
            after.append(ir.Do("rt.add_buffers", (array, parts)))
        body = _without_copies(rename_block(loop.body, renamed))
        first = ir.Apply("rt.block_start", (loop.start, loop.stop, count, block))
        last = ir.Apply(
            "rt.block_start", (loop.start, loop.stop, count, ir.Binary("+", block, _ONE))
        )
        inner = replace(loop, start=first, stop=last, body=body, order="sequential")
        outer = ir.For(
            block, _ZERO, count, _ONE, (*begin, inner, *end), loc=loop.loc, order="parallel"
        )
        return [*before, outer, *after]


def _total(count: ir.Var, var: ir.Var, parts: ir.Var) -> ir.For:
    block = ir.Var("block")
    more = ir.Binary("+", var, ir.Load(parts, (block,)))
    return ir.For(block, _ZERO, count, _ONE, (ir.Assign(var, more, inplace=True),))


def _without_copies(block: ir.Block) -> ir.Block:
    """``block`` without ``x = x``."""

    def kept(stmts: Iterable[ir.Stmt]) -> ir.Block:
        out: list[ir.Stmt] = []
        for stmt in stmts:
            match stmt:
                case ir.Assign(target, ir.Var() as value) if target is value:
                    continue
                case ir.AssignMany(targets, values):
                    pairs = [(t, v) for t, v in zip(targets, values, strict=True) if t is not v]
                    if not pairs:
                        continue
                    left, right = zip(*pairs, strict=True)
                    stmt = replace(stmt, targets=left, values=right)
                case _:
                    pass
            out.append(map_blocks(kept, stmt) if blocks(stmt) else stmt)
        return tuple(out)

    return kept(block)
