"""What a benchmark is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from benchmarks.measure import Call

Inputs: TypeAlias = tuple[Any, ...]
Build: TypeAlias = Callable[..., Call]  # build(*inputs): a call with these inputs

OURS = "adcompile"
SEQUENTIAL = ", parallel=False"  # ends the names of those where libraries alone use more threads
TAPE = "our tape engine"
BY_HAND = "by hand"  # names of hand-written adjoints start with it
PRIMALS = ("NumPy, value only", "Numba, value only")


@dataclass(frozen=True)
class Workload:
    """``cases``: how to make the inputs, by label; those in ``quick`` are the small ones.

    Every call returns ``(value, gradients)``, or the value alone; the first contestant's result
    is what the others are compared with, to ``rtol`` of the largest entry; by dtype of the input.
    """

    title: str
    cases: Mapping[str, Callable[[], Inputs]]
    quick: tuple[str, ...]
    contestants: Mapping[str, Build]
    rtol: Mapping[str, float]
    slow: frozenset[str] = frozenset()  # contestants that take part in the small cases only
    large: frozenset[str] = frozenset()  # cases that are run with --full only

    def tolerance(self, case: str) -> float:
        return next((self.rtol[t] for t in self.rtol if t in case), self.rtol["float64"])


def flat(result: Any) -> list[np.ndarray[Any, Any]]:
    """The arrays of a result, whoever made it."""
    if isinstance(result, tuple | list):
        return [leaf for item in result for leaf in flat(item)]
    if hasattr(result, "detach"):
        result = result.detach()
    return [np.asarray(result)]


class DisagreementError(Exception):
    """A result that is not the one of the others."""


def check(name: str, result: Any, expected: Any, rtol: float) -> None:
    """Value and gradients of ``name`` are the expected ones; a primal has a value only."""
    found, wanted = flat(result), flat(expected)
    if not name.endswith("value only") and len(found) != len(wanted):
        raise DisagreementError(f"{name}: {len(found)} results where {len(wanted)} are expected")
    for number, (a, b) in enumerate(zip(found, wanted)):
        if a.shape != b.shape:
            raise DisagreementError(f"{name}: result {number} has shape {a.shape}, not {b.shape}")
        error, scale = float(np.max(np.abs(a - b))), float(np.max(np.abs(b)))
        if not error <= rtol * scale:
            raise DisagreementError(
                f"{name}: result {number} is off by {error:.3g}, the largest entry is {scale:.3g}"
            )
