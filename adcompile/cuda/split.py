"""A generated function (plain dialect) in two parts: what the host does, and kernels.

    for i in range(n):             def f_loop_3(n, x, w, x_adj, w_adj, sums):
        t += g(x[i], w)                t_part = w_adj_part = 0.0
        x_adj[i] = ...                 for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        w_adj += ...          ->           t_part += g(x[i], w)
                                           x_adj[i] = ...
                                           w_adj_part += ...
                                       add_up(summed, sums, 0, t_part)
                                       add_up(summed, sums, 1, w_adj_part)

A loop becomes a kernel if that is proved of the code itself: iterations share nothing but sums, and
elements that they only add to.  Loops around such loops stay on the host.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from numba.core import types as nt

from adcompile.analysis.exposed import exposed
from adcompile.cuda.blocks import Blocks
from adcompile.cuda.body import Body, Lowered, Refused
from adcompile.cuda.disjoint import Known, is_over, meeting
from adcompile.cuda.functions import MOST, on_device
from adcompile.cuda.guards import merge_guards
from adcompile.cuda.host import HINT, on_host
from adcompile.cuda.kinds import Types, from_dtype_name, integer_variables
from adcompile.cuda.loop_variables import named_apart
from adcompile.cuda.private import drop_unread_constants
from adcompile.cuda.subscripts import loop_with_indices, with_indices
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    blocks,
    map_blocks,
    rename_block,
    statements,
    stmt_defs,
    subexpressions,
)
from adcompile.optimise.arrays_used import Arrays
from adcompile.optimise.parallel import Remarks
from adcompile.optimise.vectorise import handed_on, steps_of_sum
from adcompile.storage.rows import trip_count

_ZERO, _ONE = ir.Const(0), ir.Const(1)


@dataclass(frozen=True)
class Kernel:
    """``fn``: (count, *free variables, *workspaces, sums).  ``items``: the loops that it stands
    for, one thread per iteration."""

    fn: ir.Function
    sums: int
    items: tuple[ir.For, ...]
    in_blocks: bool = False  # the threads of a block wait for each other


def split(
    fn: ir.Function,
    types: Types,
    remarks: Remarks,
    deterministic: bool,
    in_blocks: bool = False,
) -> tuple[ir.Function, list[Kernel], Types]:
    """The host's function, and the kernels that it launches by their names.  ``in_blocks``: of a
    kernel whose threads wait for each other."""
    ranks = {v: kind.ndim for v, kind in types.items() if isinstance(kind, nt.Array)}
    fn, types, names = named_apart(fn, types, ranks)
    fn = merge_guards(fn)
    if in_blocks:
        fn = with_indices(fn, integer_variables(types))
    work = _Split(fn, types, remarks, deterministic, names, in_blocks)
    made = work.block(fn.body, set())
    host = drop_unread_constants(replace(fn, body=on_host(made, work.loads_refused)))
    return host, work.kernels, types


class _Split:
    def __init__(
        self,
        fn: ir.Function,
        types: Types,
        remarks: Remarks,
        deterministic: bool,
        names: Mapping[ir.Var, str],
        in_blocks: bool,
    ) -> None:
        self.fn, self.types, self.remarks = fn, types, remarks
        self.deterministic = deterministic
        self.names = names
        self.arrays = Arrays(fn.body)
        self.kernels: list[Kernel] = []
        self.loads_refused: dict[int, str] = {}  # why a loop stays on the host, by identity
        self.known, self.in_blocks = Known.of(fn, types), in_blocks

    def block(self, block: ir.Block, live: set[ir.Var]) -> ir.Block:
        """``live``: what is read after the block before it is assigned."""
        out: list[ir.Stmt] = []
        for k, stmt in enumerate(block):
            after = live | set(exposed(block[k + 1 :]))
            reason = ""
            if isinstance(stmt, ir.For):
                try:
                    out.extend(self.loop(stmt, after))
                    continue
                except Refused as found:
                    reason = str(found)
                    if found.loc is not None:  # about what would be the same on the host
                        raise UnsupportedError(f"{reason}, in a kernel", found.loc, HINT) from None
            if isinstance(stmt, ir.For | ir.While):
                own = {stmt.var} if isinstance(stmt, ir.For) else set()
                after |= set(exposed(stmt.body)) - own
            if blocks(stmt):
                stmt = map_blocks(lambda b, after=after: self.block(b, after), stmt)  # type: ignore[misc]
            if isinstance(stmt, ir.For | ir.While):
                self.loads_refused[id(stmt)] = reason or "it is a while loop"
            out.append(stmt)
        return tuple(out)

    # ------------------------------------------------------------ one loop

    def loop(self, loop: ir.For, live: set[ir.Var]) -> list[ir.Stmt]:
        if loop.exit is not None or any(isinstance(s, ir.Break) for s in loop.body):
            raise Refused("it can be left early")
        items = self.collapsed(loop)
        inner = items[-1]
        assigned = {v for s in statements((loop,)) for v in stmt_defs(s)}
        sums = self.sums(inner)
        for var in sorted((assigned - set(sums)) & live, key=lambda v: v.name):
            raise Refused(f"{var.name} is used after it")
        scattered: dict[ir.Var, str] = {}
        for one in items:
            scattered.update(self.scattered(one, assigned))
        return self.launch(items, sums, scattered)

    def collapsed(self, loop: ir.For) -> tuple[ir.For, ...]:
        """``loop`` and the loops in it, each all that is in the one before, whose iterations may be
        threads too."""
        body = [s for s in loop.body if not isinstance(s, ir.Comment)]
        if len(body) != 1 or not isinstance(body[0], ir.For) or body[0].exit is not None:
            return (loop,)
        inner = body[0]
        bounds = (inner.start, inner.stop, inner.step)
        defined = {v for s in statements((loop,)) for v in stmt_defs(s)}
        if any(_depends(b, defined) for b in bounds):
            return (loop,)
        try:
            if set(self.sums(inner)) - set(self.sums(loop)):
                return (loop,)
            more = set(self.scattered(inner, defined)) - set(self.scattered(loop, defined))
            if more and not self.is_over(inner):
                return (loop,)
        except Refused:
            return (loop,)
        return (loop, *self.collapsed(inner))

    def is_over(self, loop: ir.For) -> bool:
        """Of a kernel whose threads wait for each other: whether it is over its blocks."""
        return self.in_blocks and is_over(loop, self.known.counts) is not None

    def sums(self, loop: ir.For) -> dict[ir.Var, set[ir.Var]]:
        """What the iterations add to, with the names of the sum so far."""
        inner = tuple(statements(loop.body))
        found: dict[ir.Var, set[ir.Var]] = {}
        for var in sorted(handed_on(loop.body), key=lambda v: v.name):
            chain = steps_of_sum(var, inner, ordered=True)
            if chain is None and var.name.startswith("cursor_"):
                raise Refused("what it stores for the reverse sweep has no length known before")
            if chain is None:
                raise Refused(f"each iteration needs {var.name} of the one before")
            if any(isinstance(self.types.get(v), nt.Complex) for v in chain):
                raise Refused(f"{var.name} is a complex sum")
            found[var] = chain
        return found

    def scattered(self, loop: ir.For, assigned: set[ir.Var]) -> dict[ir.Var, str]:
        """Arrays to whose elements several iterations may add, and why."""
        found: dict[ir.Var, str] = {}
        for array, uses in self.arrays.written_in(loop, assigned):
            if uses is None:
                raise Refused(f"{array.name} is written, and may be known by another name")
            if self.arrays.apart(uses, loop):
                continue
            inlined = loop if self.in_blocks else loop_with_indices(loop, self.known.integers)
            pairs = meeting(inlined, self.known, assigned, array).get(array)
            if not pairs:
                continue
            if self.is_over(loop) and all(a.kind == b.kind == "add" for a, b in pairs):
                found[array] = f"iterations of the loop over {loop.var.name} may share elements"
                continue
            if not all(isinstance(s, ir.Accumulate) for s in uses):
                raise Refused(f"its iterations share elements of {array.name}")
            found[array] = f"iterations of the loop over {loop.var.name} may share elements"
        if found and self.deterministic:
            names = ", ".join(sorted(v.name for v in found))
            raise Refused(f"its iterations add to the same elements of {names}, in any order")
        return found

    # ------------------------------------------------------------ the kernel

    def launch(
        self,
        items: tuple[ir.For, ...],
        sums: Mapping[ir.Var, set[ir.Var]],
        scattered: Mapping[ir.Var, str],
    ) -> list[ir.Stmt]:
        loop = items[0]
        parts = {var: ir.Var(f"{var.name}_part") for var in sums}
        renamed = {name: parts[var] for var, chain in sums.items() for name in chain}
        body = rename_block(items[-1].body, renamed)
        local = {v for s in statements(body) for v in stmt_defs(s)}
        local |= {one.var for one in items}
        if all(map(self.is_over, items)):
            try:
                work = Blocks(self.types, set(scattered), local, set(parts.values()), self.known)
                inner = work.whole(body)
                if (work.reasons or sums) and self.deterministic:
                    raise Refused("its threads add to the same elements, in any order")
                scattered = {**scattered, **work.reasons}
                threads = sorted((v for v in self.known.counts if "threads_" in v.name), key=_name)
                return self.launched(items, sums, scattered, parts, work.made, inner, threads)
            except Refused as found:
                text = f"a thread runs a whole block, because {found}"
                self.remarks.lines.setdefault(loop.loc.line, text)
        lowered = Body(self.types, set(scattered), local).lower(body)
        return self.launched(items, sums, scattered, parts, lowered, lowered.body, ())

    def launched(
        self,
        items: tuple[ir.For, ...],
        sums: Mapping[ir.Var, set[ir.Var]],
        scattered: Mapping[ir.Var, str],
        parts: Mapping[ir.Var, ir.Var],
        lowered: Lowered,
        body: ir.Block,
        threads: Sequence[ir.Var],
    ) -> list[ir.Stmt]:
        """``threads``: of a block, if its threads share its work."""
        loop = items[0]
        count = ir.Var("count")
        names, number = self.numbered(items, ir.Var("item"))
        start, stride = ir.Apply("cuda.grid", (_ONE,)), ir.Apply("cuda.gridsize", (_ONE,))
        if threads:
            start, stride = ir.Apply("rt.block_number", ()), ir.Apply("rt.block_count", ())
        over = ir.For(number, start, count, stride, (*names, *body), loc=loop.loc)
        totals = ir.Var("sums")
        adder, room = ("rt.add_part", ()) if threads else ("rt.add_up", (ir.Var("summed"),))
        size = (ir.Const(MOST), ir.Const("np.float64"))
        shared = [ir.Alloc(v, "cuda.shared.array", size) for v in room if sums]
        whole: ir.Block = (
            *lowered.start,
            *shared,
            *(ir.Assign(part, ir.Const(0.0)) for part in parts.values()),
            over,
            *(
                ir.Do(adder, (*room, totals, ir.Const(k), part))
                for k, part in enumerate(parts.values())
            ),
        )
        self.types[count] = nt.int64
        self.types[totals] = nt.Array(nt.float64, 2, "C")
        self.types.update((work, _type_of(passed)) for work, passed in lowered.workspaces)
        held = [(v, array) for v, array in self.fn.constants if v in set(exposed(whole))]
        own = {v: ir.Var(f"{v.name}_constant") for v, _ in held}
        self.types.update((own[v], self.types[v]) for v in own)
        read = (ir.Assign(own[v], ir.Apply("cuda.const.array_like", (v,))) for v in own)
        whole = (*read, *rename_block(whole, own))
        inside = {count, totals, *own, *(v for v, _ in lowered.workspaces)}
        free = [v for v in exposed(whole) if v not in inside]
        params = (count, *free, *(v for v, _ in lowered.workspaces), *((totals,) if sums else ()))
        name = self.name(loop)
        params, whole = self.distinct(params, whole)
        made = ir.Function(name, params, (*whole, ir.Return(())), loop.loc, tuple(held))
        self.kernels.append(Kernel(made, len(sums), items, bool(threads)))
        self.say(loop, items, scattered, lowered.workspaces, bool(threads))

        trips: ir.Expr = trip_count(loop)
        for one in items[1:]:
            trips = ir.Binary("*", trips, trip_count(one))
        shape = (ir.MakeTuple(tuple(threads)),) if threads else ()
        given = (trips, *shape, *free, *(made for _, made in lowered.workspaces))
        found = {var: ir.Var(f"{var.name}_total") for var in sums}
        out: list[ir.Stmt] = [
            ir.Call(tuple(found.values()), f"fn.{name}", given, loop.loc),
        ]
        for var, total in found.items():
            more: ir.Expr = total
            if isinstance(self.types.get(var), nt.Integer):
                more = ir.Apply("int", (total,))
            out.append(ir.Assign(var, ir.Binary("+", var, more), inplace=True))
        return out

    def numbered(self, items: tuple[ir.For, ...], number: ir.Var) -> tuple[list[ir.Stmt], ir.Var]:
        """The variables of ``items`` in terms of a number, or of the one that is the number."""
        names: list[ir.Stmt] = []
        loop = items[0]
        rest: ir.Expr = number
        for one in reversed(items[1:]):  # neighbouring threads: the innermost loop's iterations
            trips = on_device(trip_count(one))
            names.append(_place(one, ir.Binary("%", rest, trips)))
            shorter = ir.Var("item")
            names.append(ir.Assign(shorter, ir.Binary("//", rest, trips)))
            rest = shorter
        if len(items) == 1 and loop.start == _ZERO and loop.step == _ONE:
            return [], loop.var
        names.append(_place(loop, rest))
        return names, number

    def distinct(
        self, params: tuple[ir.Var, ...], body: ir.Block
    ) -> tuple[tuple[ir.Var, ...], ir.Block]:
        """Parameters with names of their own."""
        taken: set[str] = set()
        renamed: dict[ir.Var, ir.Var] = {}
        for var in params:
            name, k = self.names.get(var, var.name), 2
            while name in taken:
                name, k = f"{var.name}_{k}", k + 1
            taken.add(name)
            renamed[var] = ir.Var(name)
            if var in self.types:
                self.types[renamed[var]] = self.types[var]
        return tuple(renamed.values()), rename_block(body, renamed)

    def name(self, loop: ir.For) -> str:
        wish = f"{self.fn.name}_loop_{loop.loc.line}"
        same = sum(k.fn.name == wish or k.fn.name.startswith(f"{wish}_") for k in self.kernels)
        return f"{wish}_{same + 1}" if same else wish

    def say(
        self,
        loop: ir.For,
        items: Sequence[ir.For],
        scattered: Mapping[ir.Var, str],
        workspaces: Sequence[tuple[ir.Var, ir.Expr]],
        in_blocks: bool,
    ) -> None:
        over = " and ".join(one.var.name for one in items)
        text = f"a kernel, one {'block' if in_blocks else 'thread'} per {over}"
        for array, why in scattered.items():
            text += f"; {array.name}: atomic, {why}"
        for work, passed in workspaces:
            of_block = isinstance(passed, ir.Apply) and passed.fn == "rt.block_workspace"
            kind = "row per block" if of_block else "column per thread"
            text += f"; {work.name}: global memory, a {kind}"
        known = self.remarks.lines.get(loop.loc.line)
        said = dict.fromkeys((known or "").split("; ") if known else ())
        said.update(dict.fromkeys(text.split("; ")))
        self.remarks.lines[loop.loc.line] = "; ".join(said)


def _name(var: ir.Var) -> str:
    return var.name


def _place(loop: ir.For, number: ir.Expr) -> ir.Assign:
    moved = number if loop.step == _ONE else ir.Binary("*", number, loop.step)
    value = moved if loop.start == _ZERO else ir.Binary("+", loop.start, moved)
    return ir.Assign(loop.var, value)


def _type_of(workspace: ir.Expr) -> nt.Array:
    match workspace:
        case ir.Apply(_, (ir.MakeTuple(shape), ir.Const(str() as dtype))):
            return nt.Array(from_dtype_name(dtype), len(shape) + 1, "C")
    raise AssertionError(workspace)


def _depends(expr: ir.Expr, on: set[ir.Var]) -> bool:
    parts = subexpressions(expr)
    return any(isinstance(p, ir.Load | ir.Apply) or p in on for p in parts)
