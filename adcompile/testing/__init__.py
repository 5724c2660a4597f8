"""Help for tests, ours and users': check gradients and rules, find the statement that is wrong, run
generated code as plain Python."""

from __future__ import annotations

from adcompile.testing.bisecting import WrongStatement, bisect
from adcompile.testing.checking import GradientMismatch, check_grads, check_rule
from adcompile.testing.plain import known_to, plain_jvp, plain_value_and_grad, run_plain

__all__ = [
    "GradientMismatch",
    "WrongStatement",
    "bisect",
    "check_grads",
    "check_rule",
    "known_to",
    "plain_jvp",
    "plain_value_and_grad",
    "run_plain",
]
