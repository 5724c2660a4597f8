"""The contestants of a loop: ours, our tape, the adjoint by hand, the function itself, JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from benchmarks.arrays.contestants import by_hand, numba_primal, ours, taped
from benchmarks.arrays.workload import BY_HAND, OURS, PRIMALS, TAPE, Build
from benchmarks.measure import Call

Function = Callable[..., Any]


def jax_of(make: Callable[[Any], Function]) -> Build:
    """``make(jax)`` is value and gradients; integers among the inputs are static."""

    def build(*inputs: Any) -> Call:
        import jax

        static = tuple(k for k, x in enumerate(inputs) if isinstance(x, int))
        given = [jax.device_put(x) if isinstance(x, np.ndarray) else x for x in inputs]
        compiled = jax.jit(make(jax), static_argnums=static)
        return lambda: jax.block_until_ready(compiled(*given))

    return build


def lineup(
    f: Function,
    argnums: tuple[int, ...],
    hands: dict[str, Function],
    jax: Callable[[Any], Function] | None = None,
) -> dict[str, Build]:
    """``f`` is plain Python.  ``hands``: by what follows BY_HAND; each returns value and gradients.
    ``jax(jax)``: value and gradients as somebody who knows JAX writes them."""
    return {
        OURS: ours(numba.njit(f), argnums),
        TAPE: taped(f, argnums),
        **{f"{BY_HAND}{name}": by_hand(g) for name, g in hands.items()},
        PRIMALS[1]: numba_primal(f),
        **({} if jax is None else {"JAX, best form": jax_of(jax)}),
    }
