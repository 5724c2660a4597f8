"""``check_grads`` and ``check_rule``: derivatives against differences, and against each other.

Three judges.  The dot-product test <w, J d> = <J^T w, d> compares forward with reverse mode, to
rounding.  Richardson differences compare either with the function.  Where the function also runs on
complex numbers, an imaginary step gives its derivative without cancellation.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from adcompile.api import Where, argument_positions, jvp, vjp
from adcompile.custom import UserFunction
from adcompile.frontend.source import plain_function
from adcompile.tape import TapeGrad
from adcompile.tape.node import with_lines
from adcompile.testing.bisecting import check_node
from adcompile.testing.differences import (
    copies,
    directional,
    moved,
    random_direction,
    unit_directions,
)

_DIRECTIONS = 3
_MOST_ENTRIES = 2000  # looked through for the first wrong one
_IMAGINARY = 1e-30


class GradientMismatch(AssertionError):
    """A derivative that differs from what it was compared with."""


def check_grads(
    f: Any,
    args: Sequence[Any],
    modes: Sequence[str] = ("rev", "fwd"),
    order: int = 1,
    argnums: Where | None = None,
    rtol: float = 1e-6,
    seed: int = 0,
) -> None:
    """Compare the derivatives of ``f`` at ``args`` with differences; ``GradientMismatch`` if wrong.

    ``f``: a function, a Dispatcher, a function with a rule, or what ``grad`` or ``value_and_grad``
    returned (then that gradient is checked).  Outputs: numbers and arrays of floats, and tuples of
    them.  ``modes``: "rev", "fwd" or both, which are then compared with each other too.
    ``argnums``: the arguments to differentiate; all of floating type by default.

    The message names the first wrong entry of each argument.  ``rtol`` is for the comparison with
    differences, relative to the larger of 1 and the derivative; their own error is added.  A
    ``ValueError`` says that the differences are no judge at this point, a kink for example.
    """
    if order != 1:
        raise ValueError("check_grads: second derivatives are not supported, order must be 1")
    if not modes or not set(modes) <= {"rev", "fwd"}:
        raise ValueError(f"modes are 'rev' and 'fwd', not {modes!r}")
    made = hasattr(f, "__adcompile__")
    target = f.py_func if made else f
    names = _names(target, args)
    chosen = _chosen(target, args, argnums, f if made else None)
    rng = np.random.default_rng(seed)
    fixed = {k: args[k] for k in range(len(args)) if k not in chosen}
    where = f"{getattr(target, '__name__', target)}({', '.join(names)})"
    plain = plain_function(target.target if isinstance(target, UserFunction) else target)
    assert plain is not None

    # The judges work in double precision, whatever the function is checked in.
    single = any(np.asarray(args[k]).dtype in (np.float32, np.complex64) for k in chosen)
    wide = [_widened(a) if k in chosen else a for k, a in enumerate(args)]
    rtol, rounding = (max(rtol, 1e-4), 1e-4) if single else (rtol, 1e-11)
    out = plain(*copies(wide))
    weights = [_weight(part, rng) for part in _leaves(out)]
    if made:  # of a loss, or of (loss, aux)
        weights = [w if k == 0 else None for k, w in enumerate(weights)]

    def weighted(*given: Any) -> Any:
        found = list(_leaves(plain(*given)))
        return sum(np.sum(w * part) for w, part in zip(weights, found) if w is not None)

    grads = None
    if "rev" in modes:
        grads = _reverse(f, made, args, chosen, out, weights)
        for k, g in zip(chosen, grads):
            if np.shape(g) != np.shape(args[k]):
                raise GradientMismatch(
                    f"gradient of {where}: argument {names[k]!r} has shape {np.shape(args[k])}, "
                    f"its gradient {np.shape(g)}"
                )
    judged = 0
    for _ in range(_DIRECTIONS):
        d = random_direction(args, chosen, rng)
        truth = directional(weighted, wide, d)
        steep = None if single else _complex_step(weighted, wide, d, truth)
        tolerance = rtol * max(1.0, abs(truth.value)) + 10 * truth.error * max(
            1.0, abs(truth.value)
        )
        judged += truth.reliable
        if grads is not None:
            found = sum(float(np.sum((g * d[k]).real)) for k, g in zip(chosen, grads))
            if truth.reliable and not abs(found - truth.value) <= tolerance:
                raise GradientMismatch(
                    f"reverse mode of {where} is wrong: along a random direction it gives "
                    f"{found!r}, differences {truth.value!r}\n"
                    + _entries(weighted, wide, chosen, names, grads, rtol)
                )
            if steep is not None and not abs(found - steep) <= 1e-9 * max(1.0, abs(steep)):
                raise GradientMismatch(
                    f"reverse mode of {where} is inaccurate: along a random direction it gives "
                    f"{found!r}, a complex step {steep!r}"
                )
        if "fwd" in modes and not made:
            tangents = tuple(d.get(k) for k in range(len(args)))
            _, tangent = jvp(target, tuple(copies(args)), tangents)
            along = sum(
                float(np.sum((w * t).real))
                for w, t in zip(weights, _leaves(tangent))
                if w is not None and t is not None
            )
            if truth.reliable and not abs(along - truth.value) <= tolerance:
                raise GradientMismatch(
                    f"forward mode of {where} is wrong: along a random direction it gives "
                    f"{along!r}, differences {truth.value!r}"
                )
            size = 0.0 if grads is None else sum(
                float(np.sum(np.abs(g * d[k]))) for k, g in zip(chosen, grads)
            )  # fmt: skip
            if grads is not None and not abs(along - found) <= rounding * max(1.0, size):
                raise GradientMismatch(
                    f"the dot-product test of {where} fails: <w, J d> = {along!r} in forward "
                    f"mode, <J^T w, d> = {found!r} in reverse mode"
                )
    if not judged:
        raise ValueError(
            f"check_grads of {where}: the differences are no judge at this point (a kink, or too "
            f"much rounding); choose another.  Fixed arguments: {sorted(fixed)}"
        )


def check_rule(f: UserFunction, args: Sequence[Any], rtol: float = 1e-6) -> None:
    """Check the rule of a ``custom_vjp`` or ``custom_jvp`` function by itself, without compiling.

    The rule must return the value of the function, one cotangent or tangent per argument, of its
    shape, and the derivative that differences of the function give; and the same again when it is
    asked twice.  ``GradientMismatch`` if not.
    """
    if not isinstance(f, UserFunction):
        raise TypeError(f"check_rule takes a function with a rule, not {f!r}")
    name, target = f.py_func.__name__, f.py_func
    argnums = argument_positions(target, _chosen(target, args, None, None))
    with with_lines():
        made, _ = TapeGrad(f, argnums, False, "grad").record(*copies(args))
    want = target(*copies(args))
    for ours, theirs in zip(_leaves(made), _leaves(want), strict=True):
        if not np.allclose(getattr(ours, "value", ours), theirs, rtol=1e-12, atol=1e-300):
            raise GradientMismatch(
                f"the rule of {name} returns {getattr(ours, 'value', ours)!r}, "
                f"the function {theirs!r}"
            )
    nodes = {part.node for part in _leaves(made) if getattr(part, "node", None) is not None}
    nodes |= {p for n in nodes for p in n.parents if p is not None and isinstance(p.value, tuple)}
    for node in nodes:
        found = check_node(node, rtol) or check_node(node, rtol)
        if found is not None:
            raise GradientMismatch(f"the rule of {name} is wrong: {found}")


# ---------------------------------------------------------------- parts of the work


def _reverse(
    f: Any, made: bool, args: Any, chosen: Sequence[int], out: Any, weights: Sequence[Any]
) -> list[Any]:
    """The gradients of the weighted sum of the outputs."""
    if made:
        _, found = f.value_and_grad(*copies(args))
        several = found if isinstance(found, tuple) else (found,)
        return [np.asarray(g) * weights[0] for g in several]
    given, pullback = vjp(f, *copies(args))
    final = [np.zeros_like(part) for part in _leaves(given)][len(weights) :]  # written arguments
    seeds = [np.zeros_like(p) if w is None else w for w, p in zip(weights, _leaves(out))] + final
    cotangents = pullback(tuple(seeds) if isinstance(given, tuple) else seeds[0])
    return [cotangents[k] for k in chosen]


def _entries(
    weighted: Any, args: Any, chosen: Sequence[int], names: Sequence[str], grads: Any, rtol: float
) -> str:
    """The first wrong entry of each argument."""
    lines = []
    for k, g in zip(chosen, grads):
        text = "right"
        directions = unit_directions(args, [k])[:_MOST_ENTRIES]
        for d in directions:
            truth = directional(weighted, args, d)
            entry = float(np.sum((g * d[k]).real))
            if truth.reliable and not abs(entry - truth.value) <= rtol * max(1.0, abs(truth.value)):
                index = [int(i[0]) for i in np.nonzero(d[k])] if np.ndim(d[k]) else []
                text = f"wrong at {index}" if index else "wrong"
                text += f": {entry!r}, differences say {truth.value!r} +- {truth.error:.0e}"
                break
        lines.append(f"  argument {names[k]!r}: {text}")
    return "\n".join(lines)


def _complex_step(weighted: Any, args: Any, d: dict[int, Any], truth: Any) -> float | None:
    """The derivative by an imaginary step, where the function runs on complex numbers and the
    differences agree, so that it is analytic there."""
    if any(np.iscomplexobj(args[k]) for k in d):
        return None
    lifted = [np.array(a, complex)[()] if k in d else a for k, a in enumerate(copies(args))]
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error")  # of an imaginary part that is discarded
            found = weighted(
                *moved(lifted, {k: 1j * np.asarray(v) for k, v in d.items()}, _IMAGINARY)
            )
    except Exception:  # math.sin takes no complex numbers, comparisons none
        return None
    slope = float(np.imag(found)) / _IMAGINARY
    return slope if truth.reliable and truth.agrees(slope) else None


def _widened(a: Any) -> Any:
    return np.asarray(a).astype(np.result_type(a, np.float64))[()]


def _leaves(out: Any) -> Iterator[Any]:
    if isinstance(out, tuple | list):
        for part in out:
            yield from _leaves(part)
    else:
        yield out


def _weight(part: Any, rng: np.random.Generator) -> Any:
    kind = np.asarray(part).dtype
    if kind.kind == "c":
        raise ValueError("check_grads: the output is complex; check its real and imaginary parts")
    return rng.uniform(0.5, 1.5, np.shape(part)).astype(kind)[()] if kind.kind == "f" else None


def _names(f: Any, args: Sequence[Any]) -> list[str]:
    return list(inspect.signature(getattr(f, "py_func", f)).parameters)[: len(args)]


def _chosen(f: Any, args: Sequence[Any], argnums: Where | None, made: Any) -> list[int]:
    if made is not None:
        return list(made.argnums if isinstance(made, TapeGrad) else made.derivation.argnums)
    if argnums is not None:
        return list(argument_positions(f, argnums))
    if any(isinstance(a, tuple | list | dict) for a in args):
        raise TypeError("check_grads takes numbers and arrays; name those to check in argnums")
    return [k for k, a in enumerate(args) if np.asarray(a).dtype.kind in "fc"]
