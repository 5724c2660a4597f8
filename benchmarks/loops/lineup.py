"""The contestants of a loop: ours, our tape, the adjoint by hand, the function itself, and what
others make of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from benchmarks.arrays.contestants import (
    Taping,
    by_hand,
    kept_by_torch,
    numba_primal,
    numpy_primal,
    ours,
    taped,
)
from benchmarks.arrays.workload import BY_HAND, OURS, PRIMALS, SEQUENTIAL, TAPE, Build
from benchmarks.measure import Call

Function = Callable[..., Any]
# ``arrays(xp, jit)``: the function as array code of ``xp``, which is NumPy or what imitates it;
# ``jit`` compiles what a loop repeats, if the package has such a thing.
Arrays = Callable[[Any, Function], Function]


def same(f: Function) -> Function:
    return f


class _WithoutCheckpoint:
    """JAX, as far as one uses it at first: nothing is computed twice to save memory."""

    checkpoint = staticmethod(same)

    def __init__(self, jax: Any) -> None:
        self.jax = jax

    def __getattr__(self, name: str) -> Any:
        return getattr(self.jax, name)


def jax_of(make: Callable[[Any], Function], checkpoint: bool = True) -> Build:
    """``make(jax)`` is value and gradients; integers among the inputs are static."""

    def build(*inputs: Any) -> Call:
        import jax

        static = tuple(k for k, x in enumerate(inputs) if isinstance(x, int))
        given = [jax.device_put(x) if isinstance(x, np.ndarray) else x for x in inputs]
        made = make(jax if checkpoint else _WithoutCheckpoint(jax))
        compiled = jax.jit(made, static_argnums=static)
        return lambda: jax.block_until_ready(compiled(*given))

    return build


def jax_of_arrays(arrays: Arrays, argnums: tuple[int, ...]) -> Build:
    return jax_of(lambda jax: jax.value_and_grad(arrays(jax.numpy, same), argnums=argnums))


def torch_of(arrays: Arrays, argnums: tuple[int, ...], compiled: bool) -> Build:
    def build(*inputs: Any) -> Call:
        import torch

        jit = same
        if compiled:
            torch._dynamo.reset()
            jit = lambda f: torch.compile(f, dynamic=False)  # noqa: E731
        given = [torch.from_numpy(x) if isinstance(x, np.ndarray) else x for x in inputs]
        for k in argnums:
            if isinstance(given[k], float):
                given[k] = torch.tensor(given[k], dtype=torch.float64)
            given[k].requires_grad_()
        f = arrays(torch, jit)

        def call() -> object:
            value = f(*given)
            return value, torch.autograd.grad(value, [given[k] for k in argnums])

        return Taping(call, lambda: None if compiled else kept_by_torch(torch, f, given))

    return build


def autograd_of(arrays: Arrays, argnums: tuple[int, ...]) -> Build:
    def build(*inputs: Any) -> Call:
        import autograd
        import autograd.numpy

        derivative = autograd.value_and_grad(arrays(autograd.numpy, same), argnums)
        return lambda: derivative(*inputs)

    return build


def lineup(
    f: Function,
    argnums: tuple[int, ...],
    hands: dict[str, Function],
    jax: Callable[[Any], Function] | None = None,
    arrays: Arrays | None = None,
    others: dict[str, Function] | None = None,
    more: dict[str, Build] | None = None,
    scan: bool = True,
) -> dict[str, Build]:
    """``f`` is plain Python.  ``hands``: by what follows BY_HAND; each returns value and gradients.
    ``others``: other ways to write it for us.  ``jax(jax)``: value and gradients as somebody who
    knows JAX writes them; with ``scan`` the same without checkpoints is what one writes first,
    otherwise the array code is.  ``more``: contestants of their own kind."""
    made = {
        OURS: ours(numba.njit(f), argnums),
        f"{OURS}{SEQUENTIAL}": ours(numba.njit(f), argnums, parallel=False),
        TAPE: taped(f, argnums),
        **{f"{OURS}{name}": ours(g, argnums) for name, g in (others or {}).items()},
        **{
            f"{OURS}{name}{SEQUENTIAL}": ours(g, argnums, parallel=False)
            for name, g in (others or {}).items()
        },
        **{f"{BY_HAND}{name}": by_hand(g) for name, g in hands.items()},
        PRIMALS[1]: numba_primal(f),
    }
    if arrays is not None:
        made[PRIMALS[0]] = numpy_primal(arrays(np, same))
    if jax is not None and scan:
        made["JAX, as written"] = jax_of(jax, checkpoint=False)
    elif arrays is not None:
        made["JAX, as written"] = jax_of_arrays(arrays, argnums)
    if jax is not None:
        made["JAX, best form"] = jax_of(jax)
    if arrays is not None:
        made["PyTorch"] = torch_of(arrays, argnums, compiled=False)
        made["torch.compile"] = torch_of(arrays, argnums, compiled=True)
        made["autograd"] = autograd_of(arrays, argnums)
    return made | (more or {})
