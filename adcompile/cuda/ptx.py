"""Kernels as PTX, without a GPU."""

from __future__ import annotations

import contextlib
import importlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from numba.core import types as nt

from adcompile.backends.cpu import Derivation
from adcompile.cuda.kinds import of_parameters
from adcompile.cuda.module import device_parts, prepared
from adcompile.cuda.package import NAME, SIMULATED, SUCCESSOR, cuda, own_type
from adcompile.errors import UnsupportedError
from adcompile.frontend.kernel_forms import waits
from adcompile.pipeline import differentiate


def compile_kernels(
    derivation: Derivation, argtypes: tuple[Any, ...], cc: tuple[int, int]
) -> dict[str, str]:
    """Name -> PTX of every kernel of the derivative for these types."""
    if SIMULATED:
        raise UnsupportedError(
            "the simulator makes no PTX",
            None,
            "Unset NUMBA_ENABLE_CUDASIM before Numba is imported.",
        )
    loaded = derivation.specialise(argtypes)
    options = derivation.options
    wanted = derivation.wanted(argtypes)
    made = differentiate(derivation.target, argtypes, wanted, derivation.has_aux, options)
    made = prepared(derivation.target, made, wanted, options)
    found: dict[str, str] = {}
    for part in device_parts(made, options, waits(derivation.target)):
        for kernel in part.kernels:
            function = getattr(loaded.module, kernel.fn.name).function
            types = of_parameters(kernel.fn, part.types)
            found[kernel.fn.name] = compile_one(function, types, cc)
    return found


def compile_one(function: Any, types: Iterable[nt.Type], cc: tuple[int, int]) -> str:
    """The PTX of a kernel for arguments of Numba's types."""
    with as_if_on(cc):
        text, _ = cuda.compile_ptx(function, tuple(map(own_type, types)), cc=cc)
    return str(text)


@dataclass(frozen=True)
class Resources:
    """What the assembler says of a kernel, in registers and bytes per thread; ``atomics`` counts
    instructions of the PTX."""

    registers: int
    stack: int
    spilled: int
    atomics: int


def resources(ptx: str, cc: tuple[int, int]) -> Resources:
    """Of one kernel; needs no GPU, but NVIDIA's linker, which the extra ``cuda`` brings."""
    from cuda.bindings import nvjitlink

    wanted = [f"-arch=sm_{cc[0]}{cc[1]}", "-verbose"]
    linker = nvjitlink.create(len(wanted), wanted)
    try:
        data = ptx.encode()
        nvjitlink.add_data(linker, nvjitlink.InputType.PTX, data, len(data), "kernel.ptx")
        nvjitlink.complete(linker)
        text = bytearray(nvjitlink.get_info_log_size(linker))
        nvjitlink.get_info_log(linker, text)
    finally:
        nvjitlink.destroy(linker)
    log = text.decode()
    stack, stores, loads = _numbers(
        r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", log
    )
    (registers,) = _numbers(r"Used (\d+) registers", log)
    atomics = len(re.findall(r"\b(?:atom|red)\.(?:\w+\.)*add", ptx))
    return Resources(registers, stack, stores + loads, atomics)


def _numbers(pattern: str, log: str) -> tuple[int, ...]:
    found = re.search(pattern, log)
    if found is None:
        raise UnsupportedError(f"the assembler's report is not understood: {log[:200]}")
    return tuple(map(int, found.groups()))


@contextlib.contextmanager
def as_if_on(cc: tuple[int, int]) -> Iterator[None]:
    """The packages ask for the device that is there: numba-cuda for the functions that a kernel
    calls, its successor for whatever it compiles."""
    place, name, there = "numba.cuda.dispatcher", "get_current_device", _Device(cc)
    known_as: Any = lambda: there  # noqa: E731
    if NAME == SUCCESSOR:
        place, name, known_as = f"{SUCCESSOR}.tools", "_cached_cc", cc
    module = importlib.import_module(place)
    before = getattr(module, name)
    setattr(module, name, known_as)
    try:
        yield
    finally:
        setattr(module, name, before)


@dataclass(frozen=True)
class _Device:
    compute_capability: tuple[int, int]
