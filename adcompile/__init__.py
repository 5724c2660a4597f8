"""Derivatives of Numba functions, as readable Numba source."""

from adcompile.api import grad, jvp, value_and_grad, vjp
from adcompile.custom import stop_gradient
from adcompile.errors import (
    AdcompileError,
    AliasError,
    BroadcastError,
    InactiveArgumentError,
    MissingRuleError,
    NonScalarOutputError,
    UnsupportedError,
)
from adcompile.jacobians import jacfwd, jacobian, jacrev
from adcompile.version import __version__

__all__ = [
    "AdcompileError",
    "AliasError",
    "BroadcastError",
    "InactiveArgumentError",
    "MissingRuleError",
    "NonScalarOutputError",
    "UnsupportedError",
    "__version__",
    "grad",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]
