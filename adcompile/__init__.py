"""Derivatives of Numba functions, as readable Numba source."""

from adcompile.api import grad, jvp, value_and_grad, vjp
from adcompile.custom import (
    custom_jvp,
    custom_vjp,
    nondifferentiable,
    register_rule,
    stop_gradient,
)
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
from adcompile.rules import op
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
