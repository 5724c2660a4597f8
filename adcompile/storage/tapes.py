"""The layout of tapes: one row per iteration of a loop, the values of an iteration adjacent.

Where the trip counts are known on entry to the outermost taped loop, the tape has its final size
at once and rows are numbered by the loop variables.  Otherwise it grows, and a cursor counts.

On a GPU neighbouring threads run neighbouring iterations of a loop with independent ones, the
items: then the item is the last axis, so that they touch neighbouring numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from numba.core import types as nt

from adcompile.analysis.scope import Loop, Path, Scopes
from adcompile.ir import nodes as ir
from adcompile.storage.plan import Plan
from adcompile.storage.rows import DTYPES, iteration_number, number_rows, trip_count


@dataclass
class Tape:
    """``slots``: variable -> column; a tape of one column is one-dimensional."""

    array: ir.Var
    dtype: str
    slots: dict[ir.Var, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Items:
    """``number`` of an iteration among ``count`` independent ones."""

    number: ir.Expr
    count: ir.Expr


@dataclass
class LoopTape:
    """The tapes of one loop.  ``root``: the loop before which they are allocated.

    ``row``: an expression in loop variables, or the cursor variable if ``rows`` (the size) is
    None and the tape grows."""

    loop: Loop
    root: Loop
    tapes: list[Tape]
    row: ir.Expr
    rows: ir.Expr | None
    items: Items | None = None

    def tape_of(self, var: ir.Var) -> Tape:
        return next(t for t in self.tapes if var in t.slots)

    def element(self, var: ir.Var) -> ir.Load:
        """Where the value of ``var`` is kept."""
        tape = self.tape_of(var)
        slot = () if len(tape.slots) == 1 else (ir.Const(tape.slots[var]),)
        item = () if self.items is None else (self.items.number,)
        return ir.Load(tape.array, (self.row, *slot, *item))

    def shape(self, tape: Tape, rows: ir.Expr) -> ir.Expr:
        """Of the array, with so many rows."""
        slots = () if len(tape.slots) == 1 else (ir.Const(len(tape.slots)),)
        items = () if self.items is None else (self.items.count,)
        return ir.MakeTuple((rows, *slots, *items)) if slots or items else rows


_SUFFIX = {
    "np.float64": "",
    "np.float32": "32",
    "np.complex128": "_complex",
    "np.complex64": "_complex64",
    "np.bool_": "_flags",
    "np.int64": "_ints",
}


def lay_out(
    plan: Plan,
    types: dict[ir.Var, nt.Type],
    scopes: Scopes,
    joint: tuple[Loop, ...] = (),
    suits: Callable[[Loop], int] | None = None,
) -> dict[int, LoopTape]:
    """A layout for every loop that stores something, by loop identity.  Tapes inside the loops
    ``joint``, each in the one before, live for one iteration of the innermost around them.
    ``suits``, given on the GPU: how well the iterations of a loop would do as the last axis.  No
    tape grows there: one in loops that may be left has room for all their iterations."""
    tapes: dict[int, LoopTape] = {}
    for loop in _loops(scopes):
        stored = plan.stored.get(id(loop))
        if stored:
            tapes[id(loop)] = _lay_out_loop(loop, stored, types, scopes, joint, suits)
    return tapes


def _loops(scopes: Scopes) -> list[Loop]:
    found: dict[int, Loop] = {}
    for path in (*scopes.loops.values(), *scopes.stmt_loops.values()):
        for loop in path:
            found.setdefault(id(loop), loop)
    return sorted(found.values(), key=lambda loop: scopes.order[id(loop)])


def _lay_out_loop(
    loop: Loop,
    stored: list[ir.Var],
    types: dict[ir.Var, nt.Type],
    scopes: Scopes,
    joint: tuple[Loop, ...],
    suits: Callable[[Loop], int] | None,
) -> LoopTape:
    groups: dict[str, list[ir.Var]] = {}
    for var in stored:
        groups.setdefault(DTYPES.get(types[var], "np.int64"), []).append(var)
    tapes: list[Tape] = []
    for dtype, members in groups.items():
        name = f"{members[0].name}_tape" if len(members) == 1 else f"loop_{loop.loc.line}_tape"
        if len(members) > 1:
            name += _SUFFIX[dtype]
        slots = {var: k for k, var in enumerate(members)}
        array = ir.Var(name)
        types[array] = nt.Array(types[members[0]], 1 if len(members) == 1 else 2, "C")
        tapes.append(Tape(array, dtype, slots))
    path: Path = (*scopes.stmt_loops[id(loop)], loop)
    for one in joint:
        if path[0] is one:
            path = path[1:]
    root = path[0]
    numbered = number_rows(path, scopes, suits is not None)
    if numbered is None:
        cursor = ir.Var(f"cursor_{loop.loc.line}")
        types[cursor] = nt.int64
        return LoopTape(loop, root, tapes, cursor, None)
    if len(path) == 1 or suits is None:
        return LoopTape(loop, root, tapes, *numbered)
    apart = max(path, key=suits)  # the first of the best
    if not suits(apart) or not isinstance(apart, ir.For):
        return LoopTape(loop, root, tapes, *numbered)
    rest = number_rows(tuple(one for one in path if one is not apart), scopes, True)
    assert rest is not None
    for tape in tapes:
        kind = types[tape.array]
        types[tape.array] = nt.Array(kind.dtype, kind.ndim + 1, "C")
    return LoopTape(loop, root, tapes, *rest, Items(iteration_number(apart), trip_count(apart)))
