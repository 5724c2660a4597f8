"""Whole arrays that the reverse of library calls and of the user's rules reads in loops: kept on a
stack.

A call is reversed as often as it ran, in the opposite order.  So the forward sweep pushes what its
reverse needs beside the call, and the reverse sweep pops it, whatever loops and branches are around
it and whatever shapes the arrays have.  Arrays made outside all loops are still there.
"""

from __future__ import annotations

from dataclasses import dataclass

from numba.core import types as nt

from adcompile.analysis.activity import Activity
from adcompile.analysis.scope import Scopes
from adcompile.ir import nodes as ir
from adcompile.ir.walk import reads, statements
from adcompile.rules.library import NAMES, operands_of
from adcompile.storage.needs import Needs

_FIRST_SIZE = 1024  # numbers
_COMPLEX = (nt.complex128, nt.complex64)  # each element is two numbers
_SUFFIX = {
    nt.float32: "_single",
    nt.complex128: "_complex",
    nt.complex64: "_complex_single",
}


@dataclass(frozen=True)
class Stack:
    """``pushed``: by call (identity of the statement), what is pushed, in order."""

    array: ir.Var
    top: ir.Var
    pushed: dict[int, tuple[ir.Var, ...]]
    types: dict[ir.Var, nt.Type]

    def begin(self) -> list[ir.Stmt]:
        shape = (ir.Const(_FIRST_SIZE), ir.Const("np.float64"))
        return [ir.Alloc(self.array, "np.empty", shape), ir.Assign(self.top, ir.Const(0))]

    def is_used_in(self, loop: ir.Stmt) -> bool:
        """Then iterations have an order: what one pushes lies on what those before did."""
        return any(id(stmt) in self.pushed for stmt in statements((loop,)))

    def push(self, call: ir.Stmt) -> list[ir.Stmt]:
        out: list[ir.Stmt] = []
        for array in self.pushed.get(id(call), ()):
            push = "rt.push_complex" if self.type_of(array).dtype in _COMPLEX else "rt.push"
            grown = ir.Apply(push, (self.array, self.top, array))
            out.append(ir.Assign(self.array, grown))
            room = ir.Apply("rt.room", (array,))
            out.append(ir.Assign(self.top, ir.Binary("+", self.top, room)))
        return out

    def type_of(self, array: ir.Var) -> nt.Array:
        kind = self.types[array]
        assert isinstance(kind, nt.Array)
        return kind

    def pop(self, call: ir.Stmt, out: list[ir.Stmt]) -> dict[ir.Var, ir.Var]:
        """The arrays as they were pushed, by the variables that named them."""
        found: dict[ir.Var, ir.Var] = {}
        for array in reversed(self.pushed.get(id(call), ())):
            kind = self.type_of(array)
            again = ir.Var(f"{array.name}_then")
            self.types[again] = nt.Array(kind.dtype, kind.ndim, "C")
            popped = ir.Apply(
                f"rt.pop_{kind.ndim}{_SUFFIX.get(kind.dtype, '')}", (self.array, self.top)
            )
            out.append(ir.Assign(again, popped))
            room = ir.Apply("rt.room", (again,))
            out.append(ir.Assign(self.top, ir.Binary("-", self.top, room)))
            found[array] = again
        return found


def find_stack(
    fn: ir.Function,
    types: dict[ir.Var, nt.Type],
    scopes: Scopes,
    activity: Activity,
    needs: Needs,
) -> Stack | None:
    """The stack of a function, if it needs one."""
    pushed: dict[int, tuple[ir.Var, ...]] = {}
    for stmt in statements(fn.body):
        if isinstance(stmt, ir.Custom) and id(stmt) in needs.reversed:
            arrays = [v for one in stmt.residuals for v in reads(one)]
            arrays = [v for v in arrays if isinstance(types[v], nt.Array) and scopes.loop_of(v)]
            if arrays:
                pushed[id(stmt)] = tuple(dict.fromkeys(arrays))
        if not isinstance(stmt, ir.Alloc) or stmt.fn not in NAMES:
            continue
        if id(stmt) not in needs.reversed or scopes.loop_of(stmt.target) is None:
            continue
        wanted: dict[ir.Var, None] = {}
        for operand, arg in zip(operands_of(stmt.fn, stmt.args, types), stmt.args):
            if isinstance(arg, ir.Var) and arg in activity:
                for n in operand.needed:
                    array = stmt.target if n < 0 else stmt.args[n]
                    if isinstance(array, ir.Var) and scopes.loop_of(array) is not None:
                        wanted[array] = None
        pushed[id(stmt)] = tuple(wanted)
    if not pushed:
        return None
    array, top = ir.Var("stack"), ir.Var("stack_top")
    types[array], types[top] = nt.Array(nt.float64, 1, "C"), nt.int64
    return Stack(array, top, pushed, types)
