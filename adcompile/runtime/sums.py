"""Steps of reductions that the compiler may regroup, so that loops can run on several lanes.

Floating-point addition is not associative: a loop that adds up one number after the other has to
keep its order.  Sums that the user has not written as a loop have no order to respect.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir as llvm
from numba.core import types as nt
from numba.extending import lower_builtin, type_callable

_FLAGS = ("reassoc", "nsz", "contract")


def plus(a: Any, b: Any) -> Any:
    """``a + b``, one step of a sum over floats in any order."""
    return a + b


@type_callable(plus)
def _type_of_plus(context: Any) -> Any:
    def typer(a: Any, b: Any) -> Any:
        if isinstance(a, nt.Number) and isinstance(b, nt.Number):
            found = context.unify_types(a, b)
            return found if isinstance(found, nt.Float | nt.Complex) else nt.float64
        return None

    return typer


@lower_builtin(plus, nt.Number, nt.Number)
def _lower_plus(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    kind = signature.return_type
    pairs = zip(args, signature.args, strict=True)
    a, b = (context.cast(builder, value, of, kind) for value, of in pairs)
    if isinstance(kind, nt.Complex):
        total, x, y = (context.make_complex(builder, kind, value) for value in (None, a, b))
        total.real = builder.fadd(x.real, y.real, flags=_FLAGS)
        total.imag = builder.fadd(x.imag, y.imag, flags=_FLAGS)
        return total._getvalue()
    return builder.fadd(a, b, flags=_FLAGS)


def larger(a: float, b: float) -> float:
    """The larger one; nan if one of them is."""
    return b if b > a or b != b else a


def smaller(a: float, b: float) -> float:
    """The smaller one; nan if one of them is."""
    return b if b < a or b != b else a


def _register(function: Any, intrinsic: str) -> None:
    """Compile ``function`` as the LLVM intrinsic, IEEE 754-2019 maximum or minimum."""

    @type_callable(function)
    def type_of(context: Any) -> Any:
        def typer(a: Any, b: Any) -> Any:
            return a if isinstance(a, nt.Float) and a == b else None

        return typer

    @lower_builtin(function, nt.Float, nt.Float)
    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = args[0].type
        called = builder.module.declare_intrinsic(
            intrinsic, (kind,), llvm.FunctionType(kind, (kind, kind))
        )
        return builder.call(called, args)


_register(larger, "llvm.maximum")
_register(smaller, "llvm.minimum")
