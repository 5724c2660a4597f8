"""What derivatives are compared with: differences (adcompile.testing.differences), and the tape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adcompile.backends.cpu import Argnums
from adcompile.tape import TapeGrad
from adcompile.testing.differences import (
    ILL_CONDITIONED,
    STEP,
    Estimate,
    copies,
    copy_array,
    directional,
    moved,
    random_direction,
    unit_directions,
)

__all__ = [
    "ILL_CONDITIONED",
    "STEP",
    "Estimate",
    "copies",
    "copy_array",
    "directional",
    "dot",
    "gradient",
    "moved",
    "random_direction",
    "second_opinion",
    "unit_directions",
]


def dot(grads: Sequence[Any], argnums: Sequence[int], direction: dict[int, Any]) -> float:
    """The directional derivative that a gradient (one entry per argnum) predicts."""
    parts = (np.asarray(g) * direction[k] for k, g in zip(argnums, grads) if k in direction)
    return float(sum(np.sum(part.real) for part in parts))


def gradient(f: Callable[..., Any], args: Sequence[Any], argnums: Sequence[int]) -> list[Any]:
    """The whole gradient by differences, shaped like the arguments."""
    grads: list[Any] = []
    for k in argnums:
        values = [directional(f, args, d).value for d in unit_directions(args, [k])]
        grads.append(np.array(values).reshape(args[k].shape) if np.ndim(args[k]) else values[0])
    return grads


def second_opinion(
    f: Callable[..., Any], args: Sequence[Any], argnums: Sequence[int], value: float, grads: Any
) -> None:
    """The tape engine must find the same: it shares rules with the compiler, and nothing else."""
    given = copies(args)
    derivative = TapeGrad(f, Argnums(tuple(argnums), single=False), False, "value_and_grad")
    found, others = derivative(*given)
    for before, after in zip(args, given, strict=True):
        np.testing.assert_array_equal(before, after)
    largest = max((float(np.max(np.abs(g))) for g in others if np.size(g)), default=0.0)
    size = max(1.0, abs(found), largest)
    assert abs(found - value) <= 1e-12 * size, f"value {value!r}, the tape's {found!r}"
    for k, ours, theirs in zip(argnums, grads, others, strict=True):
        assert np.shape(ours) == np.shape(theirs)
        np.testing.assert_allclose(
            ours, theirs, rtol=1e-10, atol=1e-12 * size, err_msg=f"argument {k} and the tape"
        )
