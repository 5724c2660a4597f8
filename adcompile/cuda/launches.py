"""Python functions that launch kernels, and their gradients.

    step = differentiable(kernel)           def run(u, c):
                                                w = zeros_like(u)
    out, pullback = vjp(run, u, c)              for _ in range(10):
    u_adj, c_adj = pullback(out_adj)                step[blocks, threads](u, c, w)
                                                    step[blocks, threads](w, c, u)
                                                return u

Inside ``vjp`` arrays are ``Recorded``: they can be passed to such kernels and to nothing else, so
that no write is missed.  What a launch reads is kept as it was; an array that is written is copied
first if something still needs its contents.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adcompile.backends.values import is_differentiable
from adcompile.cuda.api import type_of_argument
from adcompile.cuda.kernels import KernelAdjoint
from adcompile.errors import AliasError, UnsupportedError
from adcompile.frontend.parse import parse
from adcompile.ir import nodes as ir
from adcompile.ir.walk import index_parts, reads, statements, stmt_reads


class Recorded:
    """An array of a function whose launches are recorded."""

    def __init__(self, data: Any, owned: bool) -> None:
        self.data, self.owned = data, owned
        self.shape: tuple[int, ...] = tuple(data.shape)
        self.dtype: Any = data.dtype
        self.ndim, self.size = len(self.shape), int(np.prod(self.shape, dtype=np.int64))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        raise UnsupportedError(
            "an element or a part of an array outside a kernel",
            None,
            "In a function whose launches are recorded only kernels read and write arrays.",
        )

    def __setitem__(self, index: Any, value: Any) -> None:
        self[index]


@dataclass
class _Launch:
    """``before``: the arguments as they were; ``arrays``: for each, what it is an array of."""

    backward: KernelAdjoint
    config: Any
    before: tuple[Any, ...]
    arrays: tuple[Recorded | None, ...]


@dataclass
class _Recording:
    launches: list[_Launch] = field(default_factory=list)
    held: set[int] = field(default_factory=set)  # contents that a launch needs, by identity


_recording: contextvars.ContextVar[_Recording | None] = contextvars.ContextVar("r", default=None)


# ---------------------------------------------------------------- kernels


class Differentiable:
    """A kernel that is launched as it was, and recorded inside ``vjp``."""

    def __init__(self, kernel: Any, options: dict[str, Any]) -> None:
        self.kernel, self.options = kernel, options
        self.whole = KernelAdjoint(kernel, None, options)  # refuses what has no adjoint
        self.__name__ = self.whole.__name__
        self._adjoints: dict[tuple[int, ...], KernelAdjoint] = {}
        self._uses: dict[Any, tuple[frozenset[int], frozenset[int]]] = {}

    def __getitem__(self, config: Any) -> Callable[..., None]:
        return lambda *args: self._launch(config, args)

    def adjoint(self, positions: tuple[int, ...]) -> KernelAdjoint:
        """With respect to these parameters."""
        if positions not in self._adjoints:
            self._adjoints[positions] = KernelAdjoint(self.kernel, positions, self.options)
        return self._adjoints[positions]

    def uses(self, kinds: tuple[Any, ...]) -> tuple[frozenset[int], frozenset[int]]:
        """The positions of arrays that the kernel reads, and of those that it writes."""
        if kinds not in self._uses:
            known = self.whole.with_counts(kinds)
            self._uses[kinds] = _uses(parse(self.whole.form, known), len(kinds))
        return self._uses[kinds]

    def _launch(self, config: Any, args: tuple[Any, ...]) -> None:
        # Late: numba.cuda is an extra.
        from adcompile.cuda.launch import check_device, copy

        check_device()
        record = _recording.get()
        if record is None:
            if any(isinstance(a, Recorded) for a in args):
                raise UnsupportedError("an array of a recorded function outside of it")
            self.kernel[config](*args)
            return
        for a in args:
            if np.ndim(a) and not isinstance(a, Recorded):
                raise UnsupportedError(
                    f"{self.__name__}: an array that is neither an argument of the recorded "
                    "function nor made by zeros, empty or their _like forms",
                    None,
                    "Pass it to the function that vjp is given.",
                )
        arrays = tuple(a if isinstance(a, Recorded) else None for a in args)
        named = [a for a in arrays if a is not None]
        if len({id(a) for a in named}) < len(named):
            raise AliasError(f"{self.__name__} is given the same array twice")
        before = tuple(a.data if isinstance(a, Recorded) else a for a in args)
        kinds = tuple(map(type_of_argument, before))
        read, written = self.uses(kinds)
        wanted = tuple(
            k for k, a in enumerate(arrays) if a is not None and is_differentiable(kinds[k])
        )
        if wanted:
            backward = self.adjoint(wanted)
            backward.specialise(before)  # refused before anything runs
            record.launches.append(_Launch(backward, config, before, arrays))
            record.held |= {id(before[k]) for k in read if arrays[k] is not None}
        for k in written:
            array = arrays[k]
            if array is not None and (not array.owned or id(array.data) in record.held):
                array.data, array.owned = copy(array.data), True
        self.kernel[config](*(a.data if isinstance(a, Recorded) else a for a in args))


def differentiable(kernel: Any, **options: Any) -> Differentiable:
    """A kernel that may be launched in a function given to ``vjp``."""
    return Differentiable(kernel, options)


def _uses(fn: ir.Function, count: int) -> tuple[frozenset[int], frozenset[int]]:
    """Of a plain program: which of the first ``count`` parameters are read, and written."""
    read: set[ir.Var] = set()
    written: set[ir.Var] = set()
    for stmt in statements(fn.body):
        match stmt:
            case ir.Store(array) | ir.Accumulate(array) | ir.Fill(array) | ir.CopyInto(array):
                written.add(array)
                read |= {v for part in index_parts(stmt.index) for v in reads(part)}
                read |= {stmt.source} if isinstance(stmt, ir.CopyInto) else set(reads(stmt.value))
                if isinstance(stmt, ir.Accumulate):
                    read.add(array)
            case _:
                read |= set(stmt_reads(stmt))
    for stmt in statements(fn.body):
        for v in fn.params:
            if isinstance(stmt, ir.View | ir.Assign) and _is_alias(stmt, v):
                written.add(v)
    places = dict(enumerate(fn.params[:count]))
    return (
        frozenset(k for k, v in places.items() if v in read),
        frozenset(k for k, v in places.items() if v in written),
    )


def _is_alias(stmt: ir.View | ir.Assign, array: ir.Var) -> bool:
    """Whether a part of the array may get another name."""
    if isinstance(stmt, ir.View):
        return stmt.base is array
    match stmt.value:
        case ir.Var():
            return stmt.value is array
        case ir.Subscript(base):
            return base is array
        case _:
            return False


# ---------------------------------------------------------------- arrays


def zeros(shape: Any, dtype: Any = np.float64) -> Any:
    """``np.zeros`` on the device."""
    from adcompile.cuda import launch

    return _made(launch.zeros(shape, dtype))


def empty(shape: Any, dtype: Any = np.float64) -> Any:
    """``np.empty`` on the device."""
    from adcompile.cuda import launch

    return _made(launch.empty(shape, dtype))


def zeros_like(array: Any) -> Any:
    """``np.zeros_like`` on the device."""
    return zeros(array.shape, array.dtype)


def empty_like(array: Any) -> Any:
    """``np.empty_like`` on the device."""
    return empty(array.shape, array.dtype)


def _made(array: Any) -> Any:
    return array if _recording.get() is None else Recorded(array, owned=True)


# ---------------------------------------------------------------- derivatives


def vjp(f: Callable[..., Any], *args: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """``(f(*args), pullback)`` of a function that launches ``differentiable`` kernels on arrays and
    returns arrays: one, or a tuple.

    The pullback takes a cotangent for each and returns one for each argument, None for those that
    are numbers or arrays of integers.  It may be called again and again.  The arguments stay as
    they are.  Numbers are constants: to differentiate one, pass an array of one.
    """
    from adcompile.cuda.arrays import as_device_array
    from adcompile.cuda.launch import check_device, copy, overlap
    from adcompile.cuda.launch import zeros as device_zeros

    check_device()
    placed = [as_device_array(a) for a in args]
    given = [Recorded(a, owned=False) if np.ndim(a) else a for a in placed]
    inputs = [a for a in given if isinstance(a, Recorded)]
    for k, one in enumerate(inputs):
        if any(overlap(one.data, other.data) for other in inputs[k + 1 :]):
            raise AliasError("arguments overlap: pass a copy")
    record = _Recording()
    token = _recording.set(record)
    try:
        out = f(*given)
    finally:
        _recording.reset(token)
    single = isinstance(out, Recorded)
    results: tuple[Any, ...] = (out,) if single else tuple(out) if out is not None else ()
    if any(not isinstance(r, Recorded) for r in results):
        raise UnsupportedError(f"{f.__name__} returns something else than arrays")
    contents = tuple(copy(r.data) for r in results)

    def pullback(cotangents: Any) -> tuple[Any, ...]:
        shadows: dict[int, Any] = {}

        def shadow(array: Recorded) -> Any:
            if id(array) not in shadows:
                shadows[id(array)] = device_zeros(array.shape, array.dtype)
            return shadows[id(array)]

        from adcompile.cuda.elementwise import add_into

        seeds = (cotangents,) if single else tuple(cotangents)
        if len(seeds) != len(results):
            raise TypeError(f"the cotangent must be a tuple of {len(results)}, as the output is")
        for result, seed in zip(results, seeds):
            if tuple(seed.shape) != result.shape:
                raise ValueError(f"a cotangent has shape {seed.shape}, the output {result.shape}")
            add_into(shadow(result), as_device_array(seed))
        for launch in reversed(record.launches):
            kinds = launch.backward.derivation.argnums or ()
            adjoints = [shadow(a) for k in kinds if (a := launch.arrays[k]) is not None]
            launch.backward[launch.config](*launch.before, *adjoints)
        return tuple(
            shadow(a) if isinstance(a, Recorded) and a.dtype.kind == "f" else None for a in given
        )

    return contents[0] if single else contents, pullback
