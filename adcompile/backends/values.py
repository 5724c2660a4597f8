"""Values that Python gives: their Numba types, and the form in which generated code takes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.typing.typeof import Purpose, typeof

from adcompile.containers import for_numba as value_for_numba
from adcompile.containers import is_container

Ones = tuple[tuple[tuple[int, ...], int], ...]
ANYWHERE: Ones = (((), 0),)  # besides, any axis may turn out to have extent one


def axes_of_one(args: tuple[Any, ...]) -> Ones:
    """(argument and places in it, axis) of the axes of extent one."""

    def within(value: Any, path: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], int]]:
        if isinstance(value, np.ndarray):
            yield from ((path, axis) for axis, n in enumerate(value.shape) if n == 1)
        elif isinstance(value, tuple):
            for k, part in enumerate(value):
                yield from within(part, (*path, k))

    return tuple(found for k, a in enumerate(args) for found in within(a, (k,)))


_SCALARS = frozenset((float, bool, np.float64, np.float32, np.int64))


def plain_key(args: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """What the types of arrays and numbers depend on, which takes less time to find than these.
    None if there are other arguments, or axes that may broadcast."""
    key: list[Any] = []
    for value in args:
        cls = type(value)
        if cls is np.ndarray:
            if 1 in value.shape:
                return None
            key.append((value.dtype, value.ndim, value.flags.num))
        elif cls in _SCALARS or (cls is int and -(2**63) < value < 2**63):
            key.append(cls)
        else:
            return None
    return tuple(key)


def is_differentiable(kind: Any) -> bool:
    """Floats and complex numbers, arrays of those, and tuples that have one.  Numba cannot compile
    half precision."""
    if isinstance(kind, types.Array):
        kind = kind.dtype
    if isinstance(kind, types.BaseTuple):
        return any(is_differentiable(part) for part in parts(kind))
    return isinstance(kind, types.Float | types.Complex) and kind != types.float16


def parts(kind: Any) -> tuple[Any, ...]:
    return tuple(kind)


def type_of(value: Any) -> Any:
    """The Numba type that ``value`` names, or has."""
    if isinstance(value, types.Type):
        return value
    if isinstance(value, str):
        try:
            kind = eval(value, {"__builtins__": {}}, vars(types))
        except Exception as error:
            raise TypeError(f"{value!r} names no Numba type") from error
        if isinstance(kind, types.Type):
            return kind
        raise TypeError(f"{value!r} names no Numba type")
    return type_of_value(value_for_numba(value) if is_container(value) else value)


def type_of_value(value: Any) -> Any:
    try:
        return typeof(value, Purpose.argument)
    except (errors.NumbaValueError, ValueError) as error:
        raise TypeError(f"Numba has no type for {value!r}") from error


def as_cotangent(value: Any, kind: Any, out: Any) -> Any:
    """``value`` in the form that the pullback of an output ``out`` of type ``kind`` expects.

    What has no derivative (integers, None) gets None.
    """
    if not is_differentiable(kind):
        return None
    if isinstance(kind, types.BaseTuple):
        value = structured(value, out)
        if not isinstance(value, (tuple, list)) or len(value) != len(out):
            raise TypeError(f"the cotangent must be a tuple of {len(out)}, as the output is")
        made = [as_cotangent(*part) for part in zip(value, parts(kind), out, strict=True)]
        return type(out)(*made) if hasattr(out, "_fields") else tuple(made)
    if isinstance(kind, types.Array):
        array = np.asarray(value)
        if np.iscomplexobj(array) and not isinstance(kind.dtype, types.Complex):
            raise TypeError("the cotangent of a real output is complex")
        if array.shape != out.shape:
            raise ValueError(f"the cotangent has shape {array.shape}, the output {out.shape}")
        # A copy in C order: one specialisation of the pullback whatever the caller passes.
        return np.array(array, dtype=out.dtype, order="C")
    if np.ndim(value) != 0:
        raise ValueError(f"the cotangent of a scalar output has shape {np.shape(value)}")
    if isinstance(kind, types.Complex):
        return np.complex64(value) if kind == types.complex64 else complex(value)
    if np.iscomplexobj(value):
        raise TypeError("the cotangent of a real output is complex")
    return np.float32(value) if kind == types.float32 else float(value)


def structured(value: Any, whole: Any) -> Any:
    """A dict or dataclass as the tuple that it is for Numba, if ``whole`` is one of its kind."""
    if not is_container(value):
        return value
    made = value_for_numba(value)
    if isinstance(value, list) or type(made) is type(whole):
        return made
    raise TypeError(f"a {type(value).__name__} with the same keys is expected")


def as_tangent(value: Any, kind: Any, primal: Any) -> Any:
    """``value`` in the form that a tangent of ``primal``, of type ``kind``, must have.  None stands
    for zeros."""
    if value is None and isinstance(kind, types.Array) and is_differentiable(kind):
        return np.zeros(np.shape(primal), primal.dtype)
    if value is None and isinstance(kind, types.Float | types.Complex):
        value = 0.0
    if isinstance(kind, types.BaseTuple) and is_differentiable(kind):
        if value is None:
            value = (None,) * len(primal)
        value = structured(value, primal)
        if not isinstance(value, (tuple, list)) or len(value) != len(primal):
            raise TypeError(f"the tangent must be a tuple of {len(primal)}, as the argument is")
        made = [as_tangent(*part) for part in zip(value, parts(kind), primal, strict=True)]
        return type(primal)(*made) if hasattr(primal, "_fields") else tuple(made)
    try:
        return as_cotangent(value, kind, primal)
    except (TypeError, ValueError) as error:
        message = str(error).replace("cotangent", "tangent").replace("output", "argument")
        raise type(error)(message) from None
