"""The layout of tapes: one row per iteration of a loop, the values of an iteration adjacent.

Where the trip counts are known on entry to the outermost taped loop, the tape has its final size
at once and rows are numbered by the loop variables.  Otherwise it grows, and a cursor counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from numba.core import types as nt

from adcompile.analysis.scope import Loop, Path, Scopes
from adcompile.ir import nodes as ir
from adcompile.storage.plan import Plan
from adcompile.storage.rows import DTYPES, number_rows


@dataclass
class Tape:
    """``slots``: variable -> column; a tape of one column is one-dimensional."""

    array: ir.Var
    dtype: str
    slots: dict[ir.Var, int] = field(default_factory=dict)

    def element(self, row: ir.Expr, var: ir.Var) -> ir.Load:
        """Where the value of ``var`` is kept."""
        if len(self.slots) == 1:
            return ir.Load(self.array, (row,))
        return ir.Load(self.array, (row, ir.Const(self.slots[var])))


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

    def tape_of(self, var: ir.Var) -> Tape:
        return next(t for t in self.tapes if var in t.slots)


_SUFFIX = {
    "np.float64": "",
    "np.float32": "32",
    "np.complex128": "_complex",
    "np.complex64": "_complex64",
    "np.bool_": "_flags",
    "np.int64": "_ints",
}


def lay_out(
    plan: Plan, types: dict[ir.Var, nt.Type], scopes: Scopes, joint: tuple[Loop, ...] = ()
) -> dict[int, LoopTape]:
    """A layout for every loop that stores something, by loop identity.  Tapes inside the loops
    ``joint``, each in the one before, live for one iteration of the innermost around them."""
    tapes: dict[int, LoopTape] = {}
    for loop in _loops(scopes):
        stored = plan.stored.get(id(loop))
        if stored:
            tapes[id(loop)] = _lay_out_loop(loop, stored, types, scopes, joint)
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
    numbered = number_rows(path, scopes)
    if numbered is None:
        cursor = ir.Var(f"cursor_{loop.loc.line}")
        types[cursor] = nt.int64
        return LoopTape(loop, root, tapes, cursor, None)
    return LoopTape(loop, root, tapes, *numbered)
