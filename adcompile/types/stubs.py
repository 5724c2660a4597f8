"""Types of array functions, told to Numba's inference.

Each call in the text that is typed is a call of an object of its own, which knows the arguments
that are literals and answers with what the expansion of the call would make.  So Numba need not
know the function, and no implementation is compiled to find its type.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from numba.core import types as nt
from numba.core.errors import TypingError
from numba.core.typing import signature
from numba.extending import typeof_impl

from adcompile.errors import AdcompileError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_expr, reads

Answer = Callable[[ir.Apply, dict[ir.Var, nt.Type]], nt.Type]


@dataclass(eq=False)
class Stub:
    """One call.  ``failure``: why it has no type."""

    call: ir.Apply
    answer: Answer
    failure: AdcompileError | None = field(default=None)

    @property
    def operands(self) -> tuple[ir.Var, ...]:
        return tuple(dict.fromkeys(reads(self.call)))

    def result(self, kinds: tuple[nt.Type, ...]) -> nt.Type:
        plain = [nt.unliteral(kind) for kind in kinds]
        try:
            return self.answer(self.call, dict(zip(self.operands, plain, strict=True)))
        except AdcompileError as error:
            self.failure = error
            raise TypingError(str(error)) from error


class StubType(nt.Callable):
    def __init__(self, stub: Stub) -> None:
        self.stub = stub
        super().__init__(f"adcompile.stub({id(stub)})")

    def get_call_type(self, context: Any, args: tuple[nt.Type, ...], kws: Any) -> Any:
        return signature(self.stub.result(args), *args)

    def get_call_signatures(self) -> tuple[tuple[Any, ...], bool]:
        return (), False

    def get_impl_key(self, sig: Any) -> object:
        return self.stub


@typeof_impl.register(Stub)
def _typeof_stub(value: Stub, context: Any) -> StubType:
    return StubType(value)


def with_stubs(stmt: ir.Stmt, answer: Answer, stubs: dict[str, Stub]) -> ir.Stmt:
    """``stmt`` with its array function, if it calls one, as a call of a stub."""

    def one(expr: ir.Expr) -> ir.Expr:
        if isinstance(expr, ir.Apply) and expr.fn.startswith("arr."):
            stub = Stub(expr, answer)
            name = f"op_{len(stubs)}_"
            stubs[name] = stub
            return ir.Apply(name, stub.operands)
        return expr

    if isinstance(stmt, ir.Assign):
        return ir.Assign(stmt.target, map_expr(one, stmt.value), stmt.inplace, stmt.loc)
    return stmt
