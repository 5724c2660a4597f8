"""The adjoint of a user's ``@cuda.jit`` kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba.core import types

from adcompile.api import Where, argument_positions
from adcompile.backends.cpu import Argnums, Derivation
from adcompile.backends.store import Loaded
from adcompile.backends.values import is_differentiable
from adcompile.cuda.api import type_of_argument
from adcompile.errors import AliasError, InactiveArgumentError, UnsupportedError
from adcompile.frontend.kernel_forms import spread, waits
from adcompile.frontend.kernels import AXES, kernel_form
from adcompile.options import merge


def adjoint(kernel: Any, argnums: Where | None = None, **options: Any) -> KernelAdjoint:
    """The adjoint of a kernel, launched as the kernel is:

        backward = adjoint(kernel)
        kernel[blocks, threads](x, a, out)
        backward[blocks, threads](x, a, out, x_adj, a_adj, out_adj)

    The arguments are as they were before the kernel ran; they stay as they are.  Behind them comes
    an adjoint for each parameter of floating type (or those in ``argnums``), in their order: an
    array of the same shape, for a number an array of one.  On entry that of a written array is the
    cotangent of its final contents, on return of its initial ones; to the others is added.
    """
    return KernelAdjoint(kernel, argnums, options)


class KernelAdjoint:
    """See ``adjoint``."""

    def __init__(self, kernel: Any, argnums: Where | None, options: dict[str, Any]) -> None:
        self.kernel = kernel
        self.form, self.axes = kernel_form(kernel)
        self.in_blocks, self.spread = waits(self.form), spread(self.form)
        positions = None if argnums is None else argument_positions(self.form, argnums)
        wanted = None if positions is None else Argnums(tuple(positions), False, "vjp")
        chosen = merge(None, {**options, "target": "cuda"})
        self.derivation = Derivation(self.form, wanted, False, chosen)
        self.counts = self.axes * (1 + self.in_blocks)
        self.count = len(self.derivation.parameters) - self.counts
        self.__name__ = self.form.__name__

    def __getitem__(self, config: Any) -> Callable[..., None]:
        """``backward[blocks, threads]`` or ``backward[blocks, threads, stream]``."""
        if not isinstance(config, tuple) or len(config) not in (2, 3):
            raise TypeError(f"{self.__name__}: [blocks, threads] or [blocks, threads, stream]")
        blocks, threads = map(_three, config[:2])
        totals = tuple(b * t for b, t in zip(blocks, threads))
        if any(n != 1 for axis, n in enumerate(totals) if axis not in self.spread):
            used = " and ".join(AXES[axis] for axis in sorted(self.spread)) or "none"
            raise ValueError(f"{self.__name__} uses of the grid {used}; other axes must be 1")
        stream = config[2] if len(config) == 3 else 0
        counts = totals[: self.axes]
        if self.in_blocks:
            counts = (*blocks[: self.axes], *threads[: self.axes])
        return lambda *args: self._run(counts, stream, args)

    def _run(self, counts: tuple[int, ...], stream: Any, args: tuple[Any, ...]) -> None:
        # Late: numba.cuda is an extra.
        from adcompile.cuda.arrays import adopted
        from adcompile.cuda.launch import check_device, overlap
        from adcompile.cuda.launch import stream as on_stream

        check_device()
        args = tuple(map(adopted, args))
        if len(args) < self.count:
            raise TypeError(f"{self.__name__} takes {self.count} arguments and their adjoints")
        given, adjoints = args[: self.count], args[self.count :]
        loaded = self.specialise(given)
        wanted = self._wanted(given)
        if len(adjoints) != len(wanted):
            names = ", ".join(self.derivation.parameters[k] for k in wanted)
            raise TypeError(f"{self.__name__} takes the adjoints of {names}, not {len(adjoints)}")
        for k, one in zip(wanted, adjoints):
            shape = np.shape(given[k]) or (1,)
            if tuple(one.shape) != tuple(shape) or one.dtype != getattr(
                given[k], "dtype", one.dtype
            ):
                name = self.derivation.parameters[k]
                raise ValueError(
                    f"{self.__name__}: the adjoint of {name} has shape {tuple(one.shape)} and "
                    f"type {one.dtype}, not those of {name}, {tuple(shape)}"
                )
        given, adjoints = (tuple(map(_on_device, part)) for part in (given, adjoints))
        arrays = [a for a in given if np.ndim(a)]
        for n, one in enumerate(adjoints):
            if any(overlap(one, other) for other in (*adjoints[n + 1 :], *arrays)):
                raise AliasError(f"{self.__name__}: an adjoint overlaps another array")
        with on_stream(stream):
            loaded.entry("backward")(*given, *counts, *adjoints)

    def _wanted(self, given: tuple[Any, ...]) -> tuple[int, ...]:
        chosen = self.derivation.argnums
        kinds = tuple(map(type_of_argument, given))
        found = [k for k, kind in enumerate(kinds) if is_differentiable(kind)]
        if chosen is None:
            return tuple(found)
        for k in chosen:
            if k not in found:
                name = self.derivation.parameters[k]
                raise InactiveArgumentError(f"the argument {name} has type {kinds[k]}")
        return tuple(chosen)

    def specialise(self, given: tuple[Any, ...]) -> Loaded:
        """For arguments, or their types."""
        kinds = self.with_counts(tuple(map(type_of_argument, given)))
        found = self.derivation.specialise(kinds)
        self.derivation.note_latest(self.derivation, kinds)
        return found

    def with_counts(self, kinds: tuple[Any, ...]) -> tuple[Any, ...]:
        """The types of arguments with those of the numbers of threads."""
        return kinds + (types.int64,) * self.counts

    def source(self, *arguments: Any) -> str:
        """The generated module for types, also as text, or example values."""
        return self.specialise(arguments).generated.text

    def explain(self, *arguments: Any) -> str:
        """The kernel's source, with what is stored, and which accumulations are atomic and why."""
        return self.specialise(arguments).generated.explanation

    def ptx(self, *arguments: Any, cc: tuple[int, int] = (8, 0)) -> dict[str, str]:
        """The kernels as PTX for a compute capability, by name: needs no GPU."""
        from adcompile.cuda.ptx import compile_kernels

        kinds = self.with_counts(tuple(map(type_of_argument, arguments)))
        return compile_kernels(self.derivation, kinds, cc)

    def __repr__(self) -> str:
        return f"<adcompile adjoint of the kernel {self.__name__}>"


def _on_device(value: Any) -> Any:
    from adcompile.cuda.arrays import as_device_array

    if isinstance(value, np.ndarray) and value.ndim:
        raise TypeError("a NumPy array where a device array is wanted: use cuda.to_device")
    return as_device_array(value)


def _three(value: Any) -> tuple[int, int, int]:
    found = tuple(value) if isinstance(value, tuple | list) else (value,)
    if not 1 <= len(found) <= 3:
        raise UnsupportedError(f"a grid of {len(found)} axes")
    return tuple(int(n) for n in (*found, 1, 1)[:3])  # type: ignore[return-value]
