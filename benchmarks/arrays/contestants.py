"""How each contestant is built from a function.  Its package is imported when it is its turn."""

from __future__ import annotations

import math
import re
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numba import njit

from adcompile import tape, value_and_grad
from benchmarks.arrays import ONE_THREAD
from benchmarks.arrays.workload import (
    BY_HAND,
    OURS,
    PRIMALS,
    SEQUENTIAL,
    TAPE,
    Build,
    Inputs,
)
from benchmarks.measure import Call

Function = Callable[..., Any]

REASSOCIATE = {"reassoc", "nsz", "contract"}  # what lets a sum run in several lanes


def rebound(f: Function, wrap: Function = lambda g: g, **names: Any) -> Any:
    """``f`` and the functions of its module that it calls, with other globals (``np`` for one)."""
    space: dict[str, Any] = {**f.__globals__, **names}
    for name in f.__code__.co_names:
        callee = f.__globals__.get(name)
        if isinstance(callee, types.FunctionType) and callee.__module__ == f.__module__:
            space[name] = rebound(callee, wrap, **names)
    return wrap(types.FunctionType(f.__code__, space, f.__name__, f.__defaults__))


@dataclass(frozen=True)
class Taping:
    """A call, and how many bytes it keeps for the way back."""

    call: Call
    tape_bytes: Callable[[], int | None]

    def __call__(self) -> object:
        return self.call()


def ours(f: Function, argnums: tuple[int, ...], parallel: bool = not ONE_THREAD) -> Build:
    def build(*inputs: Any) -> Call:
        derivative = value_and_grad(f, argnums=argnums, parallel=parallel)
        return Taping(lambda: derivative(*inputs), lambda: kept_by_ours(derivative, inputs))

    return build


def kept_by_ours(derivative: Any, inputs: Inputs) -> int | None:
    """Nothing where forward and reverse sweep are one loop; else what the forward function returns
    besides the value."""
    if derivative.fused_source is not None:
        return 0
    name = re.search(r"^def (\w+)\(", derivative.forward_source, re.MULTILINE)
    assert name is not None
    functions = vars(derivative.derivation.latest.module)
    forward = next(g for key, g in functions.items() if key.startswith(f"{name[1]}_"))
    result = njit(getattr(forward, "py_func", forward))(*inputs)
    result = result[1:] if isinstance(result, tuple) else ()
    return _bytes([x for x in result if not any(x is y for y in inputs)])


def _bytes(x: Any) -> int:
    if isinstance(x, tuple | list):
        return sum(map(_bytes, x))
    return int(getattr(x, "nbytes", 8))


def taped(f: Function, argnums: tuple[int, ...]) -> Build:
    def build(*inputs: Any) -> Call:
        derivative = tape.value_and_grad(f, argnums)
        return Taping(lambda: derivative(*inputs), lambda: derivative.tape_bytes(*inputs))

    return build


def numpy_primal(f: Function) -> Build:
    return lambda *inputs: lambda: f(*inputs)


def numba_primal(f: Function) -> Build:
    def build(*inputs: Any) -> Call:
        plain = rebound(f, numba.njit, erf=numba.vectorize(_erf))
        return lambda: plain(*inputs)

    return build


def _erf(x: float) -> float:
    return math.erf(x)


def by_hand(g: Function) -> Build:
    """``g(*inputs)`` returns value and gradients."""
    return lambda *inputs: lambda: g(*inputs)


def jax_as_written(f: Function, argnums: tuple[int, ...]) -> Build:
    """The user's own function, ``np`` being ``jax.numpy``, and SciPy's functions JAX's."""

    def build(*inputs: Any) -> Call:
        import jax

        written = rebound(f, **_names_of(jax.numpy, jax.scipy))
        return _jax_call(jax.value_and_grad(written, argnums=argnums), inputs)

    return build


def jax_best(make: Function) -> Build:
    """``make(jax)`` is value and gradient as somebody who knows JAX writes them."""

    def build(*inputs: Any) -> Call:
        import jax

        return _jax_call(make(jax), inputs)

    return build


def _names_of(numpy: Any, scipy: Any) -> dict[str, Any]:
    return {
        "np": numpy,
        "erf": scipy.special.erf,
        "solve_triangular": getattr(scipy.linalg, "solve_triangular", None),
    }


def _jax_call(derivative: Function, inputs: Inputs) -> Call:
    import jax

    given = [jax.device_put(x) if isinstance(x, np.ndarray) else x for x in inputs]
    compiled = jax.jit(derivative)
    return lambda: jax.block_until_ready(compiled(*given))


def torch_eager(make: Function, argnums: tuple[int, ...]) -> Build:
    """``make(torch)`` is the function in PyTorch's words."""
    return lambda *inputs: _torch_call(make, argnums, inputs, compiled=False)


def torch_compiled(make: Function, argnums: tuple[int, ...]) -> Build:
    return lambda *inputs: _torch_call(make, argnums, inputs, compiled=True)


def _torch_call(make: Function, argnums: tuple[int, ...], inputs: Inputs, compiled: bool) -> Call:
    import torch

    given = [torch.from_numpy(x) if isinstance(x, np.ndarray) else x for x in inputs]
    active = [given[k].requires_grad_() for k in argnums]
    f = make(torch)
    if compiled:
        torch._dynamo.reset()
        f = torch.compile(f, dynamic=False)

    def call() -> object:
        value = f(*given)
        return value, torch.autograd.grad(value, active)

    return Taping(call, lambda: None if compiled else kept_by_torch(torch, f, given))


def kept_by_torch(torch: Any, f: Function, given: list[Any]) -> int:
    """Every tensor counts once, however often it is kept; the inputs do not."""
    found: dict[int, int] = {}

    def keep(tensor: Any) -> Any:
        memory = tensor.untyped_storage()
        found[memory.data_ptr()] = memory.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        value = f(*given)
    del value
    for x in given:
        if isinstance(x, torch.Tensor):
            found.pop(x.untyped_storage().data_ptr(), None)
    return sum(found.values())


def autograd_as_written(f: Function, argnums: tuple[int, ...]) -> Build:
    def build(*inputs: Any) -> Call:
        import autograd
        import autograd.numpy
        import autograd.scipy.linalg
        import autograd.scipy.special

        written = rebound(f, **_names_of(autograd.numpy, autograd.scipy))
        derivative = autograd.value_and_grad(written, argnums)
        return lambda: derivative(*inputs)

    return build


def by_tangent(f: Any, argnums: tuple[int, ...]) -> Build:
    """tangent-ad returns the gradients, then the value."""

    def build(*inputs: Any) -> Call:
        import tangent

        derivative = tangent.grad(f, wrt=argnums, preserve_result=True)

        def call() -> object:
            *gradients, value = derivative(*inputs)
            return value, tuple(gradients)

        return call

    return build


def lineup(
    f: Function,
    argnums: tuple[int, ...],
    hands: dict[str, Function],
    jax: Function,
    torch: Function,
    numba_f: Function | None = None,
    others: dict[str, Function] | None = None,
) -> dict[str, Build]:
    """All contestants.  ``hands``: the hand-written adjoints, by what follows BY_HAND;
    ``others``: other ways to write the function, by what follows OURS."""
    return {
        OURS: ours(f, argnums),
        f"{OURS}{SEQUENTIAL}": ours(f, argnums, parallel=False),
        TAPE: taped(f, argnums),
        **{f"{OURS}{name}": ours(g, argnums) for name, g in (others or {}).items()},
        **{
            f"{OURS}{name}{SEQUENTIAL}": ours(g, argnums, parallel=False)
            for name, g in (others or {}).items()
        },
        **{f"{BY_HAND}{name}": by_hand(g) for name, g in hands.items()},
        PRIMALS[0]: numpy_primal(f),
        PRIMALS[1]: numba_primal(numba_f or f),
        "JAX, as written": jax_as_written(f, argnums),
        "JAX, best form": jax_best(jax),
        "PyTorch": torch_eager(torch, argnums),
        "torch.compile": torch_compiled(torch, argnums),
        "autograd": autograd_as_written(f, argnums),
    }
