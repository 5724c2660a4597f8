"""An entry of the table: a program, the construct it stands for, and what must become of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Entry:
    """``message``: how the refusal begins; None where the program must be right."""

    section: str
    construct: str
    func: Any
    given: dict[str, Any]
    message: str | None = None
    why: str = ""
    tolerance: float = 1e-7
    slow: bool = False  # to type: for the command only
    compiles: bool = True  # in plain Numba
    interprets: bool = True  # to the same value, as plain Python
    poles: bool = False  # divides by zero where that does not count: Python would warn

    @property
    def quietly(self) -> Any:
        return np.errstate(divide="ignore", invalid="ignore") if self.poles else nullcontext()

    @property
    def python(self) -> Callable[..., Any]:
        return getattr(self.func, "py_func", self.func)

    def args(self, seed: int = 0) -> tuple[Any, ...]:
        """Arguments by the names of the parameters; a default stands where there is one."""
        known = {**inputs(seed), **self.given}
        found = []
        for name, parameter in inspect.signature(self.python).parameters.items():
            value = known.get(name, parameter.default)
            assert value is not parameter.empty, f"{self.construct}: no value for {name}"
            found.append(value)
        return tuple(found)

    @property
    def wrt(self) -> tuple[int, ...]:
        """The arguments to differentiate: floats and arrays of those."""
        return tuple(k for k, value in enumerate(self.args()) if is_float(value))


def is_float(value: Any) -> bool:
    return isinstance(value, float | complex) or (
        isinstance(value, np.ndarray) and value.dtype.kind in "fc"
    )


def inputs(seed: int = 0) -> dict[str, Any]:
    """x, y vectors, p a positive one, m a matrix, w complex, z a complex number; i, j, n, k
    integers."""
    rng = np.random.default_rng(seed)
    return {
        "x": rng.normal(size=6),
        "y": rng.normal(size=6),
        "p": rng.uniform(0.5, 1.5, 6),
        "m": rng.normal(size=(4, 3)),
        "t": rng.normal(size=(2, 3, 4)),
        "w": rng.normal(size=5) + 1j * rng.normal(size=5),
        "z": complex(*rng.normal(size=2)),
        "a": float(rng.uniform(0.4, 1.2)),
        "b": float(-rng.uniform(0.4, 1.2)),
        "c": float(rng.uniform(1.5, 2.5)),
        "n": 5,
        "k": 2,
        "ix": np.array([3, 0, 5, 1, 1]),
    }


_OPTIONS = ("tolerance", "slow", "compiles", "interprets", "poles")


class Table:
    """What a module of programs collects."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def right(self, section: str, construct: str, **given: Any) -> Callable[[Any], Any]:
        def add(func: Any) -> Any:
            options = {key: given.pop(key) for key in _OPTIONS if key in given}
            self.entries.append(Entry(section, construct, func, given, **options))
            return func

        return add

    def refused(
        self, section: str, construct: str, message: str, why: str, **given: Any
    ) -> Callable[[Any], Any]:
        def add(func: Any) -> Any:
            self.entries.append(Entry(section, construct, func, given, message, why))
            return func

        return add
