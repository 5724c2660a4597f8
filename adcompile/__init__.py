"""Derivatives of Numba functions, as readable Numba source."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import adcompile.blas  # noqa: F401  compiled code reads it
from adcompile.api import grad, jvp, value_and_grad, vjp
from adcompile.barrier import stop_gradient
from adcompile.errors import (
    AdcompileError,
    AliasError,
    BroadcastError,
    InactiveArgumentError,
    MissingRuleError,
    NonScalarOutputError,
    UnsupportedError,
)
from adcompile.version import __version__

if TYPE_CHECKING:
    from adcompile.custom import custom_jvp, custom_vjp, nondifferentiable, register_rule
    from adcompile.jacobians import jacfwd, jacobian, jacrev
    from adcompile.rules import op

__all__ = [
    "AdcompileError",
    "AliasError",
    "BroadcastError",
    "InactiveArgumentError",
    "MissingRuleError",
    "NonScalarOutputError",
    "UnsupportedError",
    "__version__",
    "custom_jvp",
    "custom_vjp",
    "grad",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "nondifferentiable",
    "op",
    "register_rule",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]

_LATE = {  # what needs the compiler, which a program with its code on disk does not
    "custom_jvp": "adcompile.custom",
    "custom_vjp": "adcompile.custom",
    "nondifferentiable": "adcompile.custom",
    "register_rule": "adcompile.custom",
    "jacfwd": "adcompile.jacobians",
    "jacobian": "adcompile.jacobians",
    "jacrev": "adcompile.jacobians",
    "op": "adcompile.rules",
}


def __getattr__(name: str) -> Any:
    if name in _LATE:
        found = globals()[name] = getattr(importlib.import_module(_LATE[name]), name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
