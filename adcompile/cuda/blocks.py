"""Loops over blocks as kernels whose threads wait for each other (plain dialect).

    for block_x in range(blocks_x):             for block_x in range(cuda.blockIdx.x, count, ...):
        part = np.empty(64)                         part = cuda.shared.array(64, np.float64)
        for thread_x in range(threads_x):   ->      thread_x = cuda.threadIdx.x
            part[thread_x] = f(...)                 part[thread_x] = f(...)
        for thread_x in range(threads_x):           cuda.syncthreads()
            out[...] = part[63 - thread_x]          out[...] = part[63 - thread_x]

Each loop over threads is checked by itself: no thread touches what another one writes, but for
elements that several add to, atomically.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from numba.core import types as nt
from numba.np.numpy_support import as_dtype

from adcompile.analysis.exposed import exposed
from adcompile.cuda.body import WHOLE, Body, Refused, folded
from adcompile.cuda.disjoint import Known, is_over, meeting
from adcompile.cuda.holds import Holding, loops_with
from adcompile.cuda.kinds import from_dtype_name
from adcompile.errors import Loc
from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    blocks,
    map_blocks,
    statements,
    stmt_defs,
    stmt_exprs,
    stmt_reads,
    subexpressions,
)
from adcompile.optimise.arrays_used import Arrays
from adcompile.optimise.vectorise import handed_on, steps_of_sum

_SHARED = 40_000  # bytes of shared memory that a kernel takes at most
_SHORT = 4  # iterations of a loop around barriers that may be written out
BARRIER = ir.Do("cuda.syncthreads", ())
_BLOCK = ir.Apply("rt.block_number", ())
_THREAD = ir.Apply("rt.thread_number", ())
_FIRST = ir.Compare("==", ir.Apply("rt.lane", ()), ir.Const(0))


class Blocks(Body):
    """``parts``: the sums of each thread.  ``threads``: how many a block has along x, y, z."""

    def __init__(
        self,
        types: Mapping[ir.Var, nt.Type],
        scattered: set[ir.Var],
        local: set[ir.Var],
        parts: set[ir.Var],
        known: Known,
    ) -> None:
        super().__init__(types, set(scattered), local)
        self.parts, self.known = parts, known
        self.bytes = 0
        self.inside = False  # of a loop over threads
        self.own: set[ir.Var] = set()  # arrays that each thread has, all alike
        self.reasons: dict[ir.Var, str] = {}  # why elements are added to atomically
        self.together: set[ir.Var] = set()  # scalars that are the same for all threads

    # ------------------------------------------------------------ what is checked first

    def whole(self, block: ir.Block) -> ir.Block:
        """The body of the loop over blocks."""
        written = {
            s.array
            for loop in self.threads_in(block)
            for s in statements(loop.body)
            if isinstance(s, ir.Store | ir.Accumulate | ir.Fill | ir.CopyInto)
        }
        allocated = [s.target for s in statements(block) if isinstance(s, ir.Alloc | ir.Copy)]
        self.arrays = Arrays(block)
        self.own = {v for v in allocated if v not in written}
        inner = {v for loop in self.threads_in(block) for s in (loop,) for v in _made(s)}
        self.together = {v for s in statements(block) for v in stmt_defs(s)} - inner
        for loop, holds in loops_with(block, self.is_over):
            self.check(loop, holds)
        return self.outer(block, set())

    def threads_in(self, block: ir.Block) -> list[ir.For]:
        """The outermost loops over threads."""
        found: list[ir.For] = []
        for stmt in block:
            if isinstance(stmt, ir.For) and self.is_over(stmt):
                found.append(stmt)
            else:
                for inner in blocks(stmt):
                    found += self.threads_in(inner)
        return found

    def is_over(self, loop: ir.For) -> bool:
        return is_over(loop, self.known.counts) is not None

    def check(self, loop: ir.For, holds: Holding) -> None:
        """That the iterations of a loop over threads meet where they add alone; ``holds``: when it
        begins."""
        local = {v for s in statements((loop,)) for v in stmt_defs(s)}
        for array, uses in self.arrays.written_in(loop, local):
            if uses is None:
                raise Refused(f"{array.name} is written, and may be known by another name")
        for array, pairs in meeting(loop, self.known, local, holds=holds).items():
            if not all(a.kind == b.kind == "add" for a, b in pairs):
                raise Refused(f"its threads share elements of {array.name}")
            self.scattered.add(array)
            self.reasons[array] = f"threads with other {loop.var.name} may share elements"
        for var in handed_on(loop.body):
            if var not in self.parts:
                raise Refused(f"each thread needs {var.name} of the one before")
            if steps_of_sum(var, tuple(statements(loop.body)), ordered=True) is None:
                raise Refused(f"each thread needs {var.name} of the one before")

    # ------------------------------------------------------------ what all threads do

    def outer(self, block: ir.Block, live: set[ir.Var]) -> ir.Block:
        """``live``: what is read after the block before it is assigned."""
        out: list[ir.Stmt] = []
        for k, stmt in enumerate(block):
            if stmt.loc.line:
                self.around = stmt.loc
            after = live | set(exposed(block[k + 1 :]))
            if isinstance(stmt, ir.For) and is_over(stmt, self.known.counts):
                for var in sorted(_made(stmt) & after - self.parts, key=lambda v: v.name):
                    raise Refused(f"{var.name} is used after its threads")
                self.inside = True
                out += self.threads((stmt,), ())
                self.inside = False
                out.append(BARRIER)
            elif blocks(stmt):
                if isinstance(stmt, ir.While):
                    raise Refused("a while loop around threads")
                self.check_same(stmt)
                if isinstance(stmt, ir.For):
                    after = after | set(exposed(stmt.body))
                stmt = map_blocks(lambda b, after=after: self.outer(b, after), stmt)  # type: ignore[misc]
                out.append(_rolled(self.spelled(stmt)))
            else:
                out += self.alone(stmt)
        return tuple(out)

    def check_same(self, stmt: ir.Stmt) -> None:
        """Conditions and bounds around barriers are the same for all threads."""
        for top in stmt_exprs(stmt):
            for e in subexpressions(top):
                wrong = isinstance(e, ir.Load) and e.array not in self.own
                if wrong or (isinstance(e, ir.Var) and e in self.parts):
                    raise Refused("a condition around threads takes an element")

    def alone(self, stmt: ir.Stmt) -> list[ir.Stmt]:
        """A statement that stands in no loop over threads."""
        match stmt:
            case ir.Comment():
                return [stmt]
            case ir.Alloc() | ir.Copy():
                made = [self.spelled(s) for s in self.stmt(stmt)]
                head = [s for s in made if isinstance(s, ir.Alloc)]
                rest: list[ir.Stmt] = [s for s in made if not isinstance(s, ir.Alloc)]
                if stmt.target in self.own and isinstance(stmt, ir.Alloc):
                    return made
                if stmt.target in self.own:
                    return [*made, BARRIER]
                return [*head, *(self.by_first(rest) if rest else ())]
            case ir.Assign(target):
                if target in self.parts or any(v in self.parts for v in stmt_reads(stmt)):
                    raise Refused(f"{target.name} is summed outside of its threads")
                loads = [e.array for e in subexpressions(stmt.value) if isinstance(e, ir.Load)]
                shared = any(a not in self.own for a in loads)
                made = [self.spelled(s) for s in self.stmt(stmt)]
                return [*made, *((BARRIER,) if shared else ())]
            case ir.Store(array) | ir.Accumulate(array) | ir.Fill(array) | ir.CopyInto(array):
                made = [self.spelled(s) for s in self.stmt(stmt)]
                if array not in self.own:
                    return self.by_first(made)
                alike = all(v in self.own for v in self.arrays_read(stmt))
                return made if alike else [*made, BARRIER]
            case ir.Do("rt.set_zero", (ir.Var() as array,)):
                made = [self.spelled(s) for s in self.stmt(stmt)]
                return made if array in self.own else self.by_first(made)
            case _:
                raise Refused("a statement between its threads", stmt.loc)

    def arrays_read(self, stmt: ir.Stmt) -> set[ir.Var]:
        found = {stmt.source} if isinstance(stmt, ir.CopyInto) else set()
        for top in stmt_exprs(stmt):
            found |= {e.array for e in subexpressions(top) if isinstance(e, ir.Load)}
        return found

    def by_first(self, stmts: list[ir.Stmt]) -> list[ir.Stmt]:
        """One thread does it, and the others wait."""
        return [ir.If(_FIRST, tuple(stmts), ()), BARRIER]

    # ------------------------------------------------------------ what each thread does

    def threads(self, nest: tuple[ir.For, ...], before: tuple[ir.Stmt, ...]) -> list[ir.Stmt]:
        loop = nest[-1]
        axis = self.axis(loop)
        begin = (*before, ir.Assign(loop.var, ir.Apply(f"rt.lane_{axis}", ()), loc=loop.loc))
        inner = [s for s in loop.body if not isinstance(s, ir.Comment)]
        loops = [s for s in inner if isinstance(s, ir.For) and is_over(s, self.known.counts)]
        if loops:
            rest = [s for s in inner if s is not loops[0]]
            if inner[-1] is not loops[0] or not all(isinstance(s, ir.Assign) for s in rest):
                raise Refused("threads of one axis do something that the others do not")
            if any(v in self.parts for s in rest for v in stmt_defs(s)):
                raise Refused("threads of one axis sum")
            made = [self.spelled(s) for s in rest]
            return self.threads((*nest, loops[0]), (*begin, *made))
        deeper = [s for s in statements(loop.body) if isinstance(s, ir.For)]
        if any(is_over(s, self.known.counts) for s in deeper):
            raise Refused("threads of one axis in a branch or loop of another")
        body = self.block(loop.body)
        missing = [a for a in self.axes() if a not in [self.axis(one) for one in nest]]
        if not missing:
            return [*begin, *body]
        cond: ir.Expr = ir.Compare("==", ir.Apply(f"rt.lane_{missing[0]}", ()), ir.Const(0))
        for a in missing[1:]:
            more = ir.Compare("==", ir.Apply(f"rt.lane_{a}", ()), ir.Const(0))
            cond = ir.Logic("and", cond, more)
        return [*begin, ir.If(cond, body, ())]

    def axis(self, loop: ir.For) -> str:
        count = is_over(loop, self.known.counts)
        assert count is not None
        return count.name[-1]

    def axes(self) -> list[str]:
        return sorted(v.name[-1] for v in self.known.counts if v.name.startswith("threads_"))

    # ------------------------------------------------------------ arrays

    def array(self, target: ir.Var, loc: Loc) -> list[ir.Stmt]:
        """Arrays of a block are in shared memory if their size is a small constant, else in a
        workspace, one row per block."""
        if self.inside or target in self.own:
            return self.private(target, loc, _THREAD)
        shape, dtype = tuple(map(folded, self.shapes[target])), self.dtypes[target]
        extents = [e.value for e in shape if isinstance(e, ir.Const) and isinstance(e.value, int)]
        item = _bytes(dtype)
        if len(extents) == len(shape) and self.bytes + math.prod(extents) * item <= _SHARED:
            self.bytes += math.prod(extents) * item
            size = shape[0] if len(shape) == 1 else ir.MakeTuple(shape)
            return [ir.Alloc(target, "cuda.shared.array", (size, dtype), loc=loc)]
        return self.part(
            target, shape, "rt.block_workspace", (_BLOCK, *(WHOLE for _ in shape)), loc
        )


def _rolled(stmt: ir.Stmt) -> ir.Stmt:
    """A loop around barriers, such as that of a tree, which LLVM would write out if it knew how
    often it runs: then nothing stays in registers."""
    match stmt:
        case ir.For(_, ir.Const(int() as start), ir.Const(int() as stop), step):
            pass
        case _:
            return stmt
    if abs(stop - start) <= _SHORT:
        return stmt
    if step == ir.Const(1):
        return replace(stmt, stop=ir.Apply("rt.rolled", (ir.Const(stop),)))
    return replace(stmt, start=ir.Apply("rt.rolled", (ir.Const(start),)))


def _made(loop: ir.For) -> set[ir.Var]:
    return {v for s in statements((loop,)) for v in stmt_defs(s)}


def _bytes(dtype: ir.Expr) -> int:
    assert isinstance(dtype, ir.Const) and isinstance(dtype.value, str)
    return int(as_dtype(from_dtype_name(dtype.value)).itemsize)
