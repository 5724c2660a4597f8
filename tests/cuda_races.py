"""Generated kernels run thread by thread in plain Python, every access noted: the simulator's
threads seldom meet, so that its results alone do not show a race.

A race: an element that two threads of one launch touch, where one of them writes otherwise than
atomically, or one adds atomically and another reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np

from adcompile.cuda import launch


class RaceError(Exception):
    """Two threads meet at an element."""


class Watched:
    """An array that notes who reads, writes and adds to its elements."""

    def __init__(self, array: Any, log: dict[Any, dict[str, set[int]]], state: Any) -> None:
        self.array, self.log, self.state = array, log, state
        self.shape, self.dtype, self.size = array.shape, array.dtype, array.size

    def note(self, index: Any, kind: str) -> None:
        addresses = np.asarray(self.state.addresses[id(self.array)][index])
        for address in addresses.ravel():
            self.log.setdefault(int(address), {}).setdefault(kind, set()).add(self.state.thread)

    def __getitem__(self, index: Any) -> Any:
        part = self.array[index]
        if isinstance(part, np.ndarray):
            self.state.addresses[id(part)] = self.state.addresses[id(self.array)][index]
            self.state.kept.append(part)
            return Watched(part, self.log, self.state)
        self.check(index)
        self.note(index, "read")
        return part

    def __setitem__(self, index: Any, value: Any) -> None:
        self.check(index)
        self.note(index, "write")
        self.array[index] = value.array if isinstance(value, Watched) else value

    def check(self, index: Any) -> None:
        """Kernels have no bounds."""
        places = index if isinstance(index, tuple) else (index,)
        for place, extent in zip(places, self.shape):
            if not isinstance(place, slice) and place is not ... and not -extent <= place < extent:
                raise IndexError(f"{place} of {extent}")


def _addresses(array: Any) -> Any:
    """The address of each element."""
    start = array.__array_interface__["data"][0]
    offsets = sum(
        (
            np.arange(n).reshape([-1 if axis == k else 1 for axis in range(array.ndim)]) * step
            for k, (n, step) in enumerate(zip(array.shape, array.strides))
        ),
        np.zeros(array.shape, np.int64),
    )
    return start + offsets


def _run(self: Any, count: int, *args: Any) -> Any:
    if count <= 0:
        return self._result(np.zeros(self.sums))
    threads, blocks = 4, min(-(-count // 4), 3)
    total = threads * blocks
    log: dict[Any, dict[str, set[int]]] = {}
    state = SimpleNamespace(thread=0, addresses={}, kept=[])

    def given(value: Any) -> Any:
        if isinstance(value, launch.workspace):
            nothing = np.nan if np.dtype(value.dtype).kind == "f" else 77
            value = np.full((*value.shape, total), nothing, value.dtype)
        array = getattr(value, "_ary", value)
        if not isinstance(array, np.ndarray):
            return value
        state.addresses[id(array)] = _addresses(array)
        state.kept.append(array)
        return Watched(array, log, state)

    def atomic_add(array: Watched, index: Any, value: Any) -> None:
        array.check(index)
        array.note(index, "add")
        array.array[index] += value

    sums = np.zeros((self.sums, blocks))

    def add_up(shared: Any, parts: Any, place: int, value: float) -> None:
        parts[place, state.thread // threads] += value

    def local(shape: Any, dtype: Any) -> Any:
        return np.full(shape, 77).astype(dtype)  # nothing is zero by itself

    fake = SimpleNamespace(
        grid=lambda n: state.thread,
        gridsize=lambda n: total,
        atomic=SimpleNamespace(add=atomic_add),
        local=SimpleNamespace(array=local),
        shared=SimpleNamespace(array=local),
        const=SimpleNamespace(array_like=lambda array: array),
    )
    space = self.function.__globals__
    plain = {k: v.fn for k, v in space.items() if type(v).__name__ == "FakeCUDAKernel"}
    changed = {**plain, "cuda": fake, "add_up": add_up}
    before = {k: space[k] for k in changed if k in space}
    space.update(changed)
    placed = [given(a) for a in args]
    try:
        for thread in range(total):
            state.thread = thread
            self.function(count, *placed, *((sums,) if self.sums else ()))
    finally:
        for k in changed:
            space.pop(k)
        space.update(before)
    for kinds in log.values():
        _check(kinds, self.name)
    return self._result(sums.sum(axis=1)) if self.sums else ()


def _check(kinds: dict[str, set[int]], name: str) -> None:
    read, written = kinds.get("read", set()), kinds.get("write", set())
    added = kinds.get("add", set())
    everyone = read | written | added
    if written and len(everyone) > 1:
        raise RaceError(f"{name}: {kinds}")
    if added and read and len(added | read) > 1:
        raise RaceError(f"{name}: {kinds}")


@contextmanager
def watched() -> Iterator[None]:
    """Launches inside look for races."""
    original = launch.Launcher.__call__
    launch.Launcher.__call__ = _run  # type: ignore[method-assign]
    try:
        yield
    finally:
        launch.Launcher.__call__ = original  # type: ignore[method-assign]
