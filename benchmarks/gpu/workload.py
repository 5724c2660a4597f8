"""What is computed, and how each contestant is called, waited for and read.

In the simulator (NUMBA_ENABLE_CUDASIM=1) the other packages run on the CPU, so that everything but
the times can be had without a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numba import cuda
from numpy.typing import NDArray

from adcompile import value_and_grad
from adcompile.cuda.package import SIMULATED
from benchmarks.gpu import in_warp

Inputs: TypeAlias = tuple[Any, ...]
Result: TypeAlias = tuple[float, tuple[NDArray[Any], ...]]

OURS, BY_HAND, JAX = "adcompile", "by hand, numba.cuda", "JAX"
TORCH, COMPILED, WARP = "PyTorch", "torch.compile", "Warp"
PACKAGES = {JAX: "jax", TORCH: "torch", COMPILED: "torch", WARP: "warp"}


@dataclass(frozen=True)
class Prepared:
    """``call`` launches; ``wait`` until that is done; ``fetch`` value and gradients to the host."""

    call: Callable[[], Any]
    wait: Callable[[], None]
    fetch: Callable[[Any], Result]


Build: TypeAlias = Callable[..., Prepared]


@dataclass(frozen=True)
class Workload:
    """``inputs(small)``.  ``moved``: the bytes of inputs and gradients, if the time is to be
    compared with that of a copy.  ``missing``: why a contestant is not among them."""

    title: str
    function: Callable[..., Any]
    argnums: tuple[int, ...]
    inputs: Callable[[bool], Inputs]
    contestants: Mapping[str, Build]
    tolerance: float = 1e-9
    moved: Callable[[Inputs], int] | None = None
    missing: Mapping[str, str] | None = None


class AbsentError(Exception):
    """A contestant's package is not installed, or has no GPU."""


def to_host(x: Any) -> Any:
    return x.copy_to_host() if hasattr(x, "copy_to_host") else np.asarray(x)


def placed(inputs: Inputs) -> list[Any]:
    return [cuda.to_device(x) if isinstance(x, np.ndarray) else x for x in inputs]


def _synchronize() -> None:
    cuda.synchronize()


def _fetched(found: Any) -> Result:
    value, grads = found
    return float(np.ravel(to_host(value))[0]), tuple(map(to_host, grads))


def ours(f: Callable[..., Any], argnums: tuple[int, ...]) -> Build:
    def build(*inputs: Any) -> Prepared:
        derivative = value_and_grad(f, argnums, target="cuda")
        given = placed(inputs)
        return Prepared(lambda: derivative(*given), _synchronize, _fetched)

    return build


def by_hand(make: Callable[..., Callable[[], Any]]) -> Build:
    """``make(*inputs)``, the arrays being on the device, returns the call."""

    def build(*inputs: Any) -> Prepared:
        return Prepared(make(*placed(inputs)), _synchronize, _fetched)

    return build


def jax_of(make: Callable[[Any], Any]) -> Build:
    """``make(jax)`` is value and gradients; integers among the inputs are static."""

    def build(*inputs: Any) -> Prepared:
        jax = imported("jax")
        if not SIMULATED and jax.default_backend() != "gpu":
            raise AbsentError("JAX has no GPU")
        jax.config.update("jax_enable_x64", True)
        jax.config.update("jax_default_matmul_precision", "highest")
        static = tuple(k for k, x in enumerate(inputs) if isinstance(x, int))
        given = [jax.device_put(x) if isinstance(x, np.ndarray) else x for x in inputs]
        compiled = jax.jit(make(jax), static_argnums=static)
        last: list[Any] = []

        def call() -> Any:
            last[:] = [compiled(*given)]
            return last[0]

        return Prepared(call, lambda: jax.block_until_ready(last[0]), _fetched)

    return build


def torch_of(make: Callable[[Any, Any], Any], argnums: tuple[int, ...], compiled: bool) -> Build:
    """``make(torch, jit)`` is the function; ``jit`` is for it, or for what its loop repeats."""

    def build(*inputs: Any) -> Prepared:
        torch = imported("torch")
        if not SIMULATED and not torch.cuda.is_available():
            raise AbsentError("PyTorch has no GPU")
        where = "cpu" if SIMULATED else "cuda"
        given = [torch.tensor(x, device=where) if isinstance(x, np.ndarray) else x for x in inputs]
        for k in argnums:
            if isinstance(given[k], float):
                given[k] = torch.tensor(given[k], dtype=torch.float64, device=where)
            given[k].requires_grad_()
        wanted = [given[k] for k in argnums]
        f = make(torch, partial(torch.compile, dynamic=False) if compiled else lambda g: g)

        def call() -> Any:
            value = f(*given)
            return value.detach(), torch.autograd.grad(value, wanted)

        def wait() -> None:
            if not SIMULATED:
                torch.cuda.synchronize()

        def fetch(found: Any) -> Result:
            value, grads = found
            return float(value.cpu()), tuple(g.cpu().numpy() for g in grads)

        return Prepared(call, wait, fetch)

    return build


def warp_of(make: Callable[..., tuple[Callable[[], Any], Callable[[Any], Result]]]) -> Build:
    """``make(wp, *inputs)`` returns the call and what reads its result."""

    def build(*inputs: Any) -> Prepared:
        wp = imported("warp")
        wp.config.quiet = True
        wp.init()
        if not SIMULATED:
            if not wp.is_cuda_available():
                raise AbsentError("Warp has no GPU")
            wp.set_device("cuda:0")
        call, fetch = make(wp, *inputs)
        return Prepared(call, wp.synchronize, fetch)

    return build


def imported(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise AbsentError(f"{name} is not installed") from error


def both_of_torch(make: Callable[[Any, Any], Any], argnums: tuple[int, ...]) -> dict[str, Build]:
    return {
        TORCH: torch_of(make, argnums, compiled=False),
        COMPILED: torch_of(make, argnums, compiled=True),
    }


def lineup(
    f: Callable[..., Any],
    argnums: tuple[int, ...],
    hand: Callable[..., Callable[[], Any]],
    jax: Callable[[Any], Any],
    torch: Callable[[Any, Any], Any],
) -> dict[str, Build]:
    """All contestants; ``in_warp`` has the function's name."""
    return {
        BY_HAND: by_hand(hand),
        OURS: ours(f, argnums),
        JAX: jax_of(jax),
        **both_of_torch(torch, argnums),
        WARP: warp_of(getattr(in_warp, f.__name__)),
    }
