"""Derivatives on the GPU, through numba.cuda, which is imported only by what runs there.

``grad(f, target="cuda")`` for loops and array functions; here: ``adjoint`` of one kernel, and
``vjp`` of functions that launch ``differentiable`` kernels.
"""

from adcompile.cuda.kernels import KernelAdjoint, adjoint
from adcompile.cuda.launches import (
    Differentiable,
    Recorded,
    differentiable,
    empty,
    empty_like,
    vjp,
    zeros,
    zeros_like,
)

__all__ = [
    "Differentiable",
    "KernelAdjoint",
    "Recorded",
    "adjoint",
    "differentiable",
    "empty",
    "empty_like",
    "vjp",
    "zeros",
    "zeros_like",
]
