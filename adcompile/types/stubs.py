"""Types of array functions, told to Numba's inference.

Each call in the text that is typed is a call of an object of its own, which knows the arguments
that are literals and answers with what the expansion of the call would make.  So Numba need not
know the function, and no implementation is compiled to find its type.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from numba.core import types as nt
from numba.core.errors import TypingError
from numba.core.typing import signature
from numba.extending import typeof_impl

from adcompile.arrays.elementwise import (
    function_named,
    is_special,
    operator_named,
    type_of_user_function,
)
from adcompile.custom import BY_NAME
from adcompile.errors import AdcompileError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_expr, reads

Answer = Callable[[ir.Expr, dict[ir.Var, nt.Type]], nt.Type]


@dataclass(eq=False)
class Stub:
    """One call.  ``failure``: why it has no type."""

    call: ir.Expr
    answer: Answer
    failure: AdcompileError | None = field(default=None)

    @property
    def operands(self) -> tuple[ir.Var, ...]:
        return tuple(dict.fromkeys(reads(self.call)))

    def result(self, kinds: tuple[nt.Type, ...]) -> nt.Type:
        plain = [_as_array(nt.unliteral(kind)) for kind in kinds]
        try:
            return self.answer(self.call, dict(zip(self.operands, plain, strict=True)))
        except AdcompileError as error:
            self.failure = error
            raise TypingError(str(error)) from error


def _as_array(kind: nt.Type) -> nt.Type:
    """Lists of numbers will be arrays."""
    if isinstance(kind, nt.List | nt.ListType) and isinstance(kind.dtype, nt.Number | nt.Boolean):
        return nt.Array(kind.dtype, 1, "C")
    return kind


class StubType(nt.Callable):
    def __init__(self, stub: Stub) -> None:
        self.stub = stub
        super().__init__(f"adcompile.stub({id(stub)})")

    def get_call_type(self, context: Any, args: tuple[nt.Type, ...], kws: Any) -> Any:
        if isinstance(self.stub.call, ir.Attribute):
            return signature(_attribute(context, self.stub.call.name, args[0]), *args)
        cast = isinstance(self.stub.call, ir.Apply) and self.stub.call.fn == "arr.cast_like"
        if cast or not any(isinstance(kind, nt.Array | nt.List | nt.ListType) for kind in args):
            found = _native(context, self.stub.call, dict(zip(self.stub.operands, args)))
            if found is not None:
                return signature(found, *args)
        return signature(self.stub.result(args), *args)

    def get_call_signatures(self) -> tuple[tuple[Any, ...], bool]:
        return (), False

    def get_impl_key(self, sig: Any) -> object:
        return self.stub


def _attribute(context: Any, name: str, kind: nt.Type) -> nt.Type:
    """That of an array without dimensions, which a number stands for, is not known to Numba."""
    if name == "shape" and isinstance(kind, nt.Number):
        return nt.Tuple(())
    found: nt.Type | None = context.resolve_getattr(kind, name)
    if found is None:
        raise TypingError(f"Unknown attribute {name!r} of type {kind}")
    return found


def _native(context: Any, expr: ir.Expr, kinds: dict[ir.Var, nt.Type]) -> nt.Type | None:
    """Numba's own type of an operation on numbers."""

    def kind(part: ir.Expr) -> nt.Type:
        if isinstance(part, ir.Var):
            return kinds[part]
        assert isinstance(part, ir.Const)
        return {float: nt.float64, complex: nt.complex128}.get(type(part.value), nt.int64)

    match expr:
        case ir.Apply("arr.cast_like", (like, _)):
            found = kind(like)
            return found.dtype if isinstance(found, nt.Array) else found
        case ir.Binary(op, a, b):
            found = context.resolve_function_type(operator_named(op, 2), (kind(a), kind(b)), {})
        case ir.Apply(fn, args) if fn.startswith("np."):
            given = tuple(kind(arg) for arg in args)
            found = context.resolve_function_type(function_named(fn), given, {})
        case ir.Apply(fn, args) if fn in BY_NAME:
            return type_of_user_function(fn, tuple(kind(arg) for arg in args))
        case _:
            return None
    made: nt.Type = found.return_type
    return made


@typeof_impl.register(Stub)
def _typeof_stub(value: Stub, context: Any) -> StubType:
    return StubType(value)


def with_stubs(stmt: ir.Stmt, answer: Answer, stubs: dict[str, Stub], literals: bool) -> ir.Stmt:
    """``stmt`` with its array function, if it calls one, as a call of a stub; with ``literals``
    also its arithmetic with a literal, which NumPy lets keep single precision and Numba not."""

    def is_weak(expr: ir.Expr) -> bool:
        match expr:
            case ir.Binary(_, ir.Var(), ir.Const(float() | complex())) | ir.Binary(
                _, ir.Const(float() | complex()), ir.Var()
            ):
                return True
            case ir.Apply(fn, args) if function_named(fn) is not None:
                return any(
                    isinstance(a, ir.Const) and type(a.value) in (float, complex) for a in args
                ) and all(isinstance(a, ir.Const | ir.Var) for a in args)
            case _:
                return False

    def one(expr: ir.Expr) -> ir.Expr:
        whole = isinstance(expr, ir.Apply) and expr.fn.startswith("arr.")
        special = isinstance(expr, ir.Apply) and is_special(expr.fn)
        return stubbed(expr) if whole or special or (literals and is_weak(expr)) else expr

    def shape(expr: ir.Expr) -> ir.Expr:
        is_shape = isinstance(expr, ir.Attribute) and expr.name == "shape"
        return stubbed(expr) if is_shape else expr

    def stubbed(expr: ir.Expr) -> ir.Expr:
        stub = Stub(expr, answer)
        name = f"op_{len(stubs)}_"
        stubs[name] = stub
        return ir.Apply(name, stub.operands)

    if isinstance(stmt, ir.Alloc) and stmt.fn.endswith(("full", "full_like")):
        # Numba fills with numbers only.
        given = (*stmt.args, dict(stmt.keywords).get("dtype", ir.Const(None)))
        filled = ir.Apply(f"arr.{stmt.fn.removeprefix('np.')}", given)
        return ir.Assign(stmt.target, one(filled), loc=stmt.loc)
    if isinstance(stmt, ir.Assign):
        return ir.Assign(
            stmt.target, map_expr(shape, map_expr(one, stmt.value)), stmt.inplace, stmt.loc
        )
    if isinstance(stmt, ir.Alloc):
        return replace(stmt, args=tuple(map_expr(shape, arg) for arg in stmt.args))
    return stmt
