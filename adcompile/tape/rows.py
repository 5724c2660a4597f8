"""NumPy's functions of arrays that are neither elementwise nor a movement, in terms of those that
are: a row is what the function means, and needs no derivative of its own."""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from adcompile.tape.functions import ROWS, array, asarray, linear, moved, scattered, unknown
from adcompile.tape.memory import free, lift

Axis = Any  # None, an integer, or a tuple of them


def _axes(a: Any, axis: Axis) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(np.ndim(a)))
    return tuple(k % np.ndim(a) for k in (axis if isinstance(axis, tuple | list) else (axis,)))


def _kept_shape(a: Any, axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(1 if k in axes else n for k, n in enumerate(np.shape(a)))


def sum_(
    a: Any, axis: Axis = None, dtype: Any = None, out: Any = None, keepdims: bool = False,
    initial: Any = None, where: Any = True,
) -> Any:  # fmt: skip
    a, axes = a if where is True else np.where(where, a, 0.0), _axes(a, axis)

    def spread(g: Any, value: Any) -> Any:
        return np.broadcast_to(np.reshape(g, _kept_shape(value, axes)), np.shape(value))

    total = linear("sum", lambda v: np.sum(v, axes, dtype, keepdims=keepdims), spread, a)
    return total if initial is None else total + initial


def reduction(
    f: Callable[..., Any], neutral: float = math.nan, both: Any = None
) -> Callable[..., Any]:
    """From a function that reduces the last axis.  ``neutral`` stands for elements that are left
    out by ``where=``; ``both`` joins the result to ``initial=``."""

    def reduced(
        a: Any, axis: Axis = None, dtype: Any = None, out: Any = None, keepdims: bool = False,
        initial: Any = None, where: Any = True, **more: Any,
    ) -> Any:  # fmt: skip
        a = a if where is True else np.where(where, a, neutral if initial is None else initial)
        axes, shape = _axes(a, axis), np.shape(a)
        others = tuple(k for k in range(len(shape)) if k not in axes)
        rest, count = tuple(shape[k] for k in others), math.prod(shape[k] for k in axes)
        lines = np.reshape(np.transpose(a, (*others, *axes)), (*rest, count))
        if count == 0 and initial is not None:
            found, initial = lift(np.full(rest, initial, float)), None
        else:
            found = f(lines, **more)
        found = np.reshape(found, _kept_shape(a, axes)) if keepdims else found
        return found if initial is None else both(found, initial)

    return reduced


def mean(a: Any, axis: Axis = None, *args: Any, where: Any = True, **options: Any) -> Any:
    ones = np.broadcast_to(where, np.shape(a))
    count = np.sum(ones, axis, keepdims=options.get("keepdims", False))
    return np.sum(a, axis, *args, where=where, **options) / count


def _spread(lines: Any, ddof: float = 0, **_: Any) -> Any:
    apart = lines - np.mean(lines, axis=-1, keepdims=True)
    return np.sum((apart * np.conj(apart)).real, axis=-1) / (lines.shape[-1] - ddof)


def _there(lines: Any) -> Any:
    return np.sum(~np.isnan(free(lines)), -1)


def _nan_spread(lines: Any, ddof: float = 0) -> Any:
    apart = lines - np.expand_dims(np.nansum(lines, -1) / _there(lines), -1)
    apart = np.where(np.isnan(free(lines)), 0.0, apart)  # before squares, whose partials are nan
    return np.sum(apart * apart, -1) / (_there(lines) - ddof)


def _product(lines: Any) -> Any:  # a chain: right where an element is zero
    parts = np.moveaxis(lines, -1, 0)
    return functools.reduce(operator.mul, parts) if len(parts) else np.ones(lines.shape[:-1])[()]


def _first(find: Any, lines: Any) -> Any:  # of the largest elements, or the smallest
    places = np.expand_dims(find(free(lines), -1), -1)
    return np.take_along_axis(lines, places, -1)[..., 0][()]


def _at_share(lines: Any, q: float) -> Any:
    place = q * (lines.shape[-1] - 1)
    low = int(place)
    lines, high = np.sort(lines), min(low + 1, lines.shape[-1] - 1)
    return lines[..., low][()] * (1 - (place - low)) + lines[..., high][()] * (place - low)


def quantile(a: Any, q: Any, axis: Axis = None, keepdims: bool = False, **options: Any) -> Any:
    if options:
        raise unknown(f"np.quantile with {options}")
    at = reduction(_at_share)
    found = [at(a, axis, keepdims=keepdims, q=float(part)) for part in np.ravel(free(q))]
    return found[0] if np.ndim(q) == 0 else np.stack(found)


def nan_quantile(a: Any, q: Any) -> Any:
    flat = np.ravel(a)
    return quantile(flat[~np.isnan(free(flat))], q)


def logsumexp(a: Any, axis: Axis = None, b: Any = None, keepdims: bool = False, **_: Any) -> Any:
    largest = np.max(free(a), axis=_axes(a, axis), keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0.0)
    parts = np.exp(a - largest)
    total = np.sum(parts if b is None else b * parts, axis=axis, keepdims=True)
    found = np.log(total) + largest
    return found if keepdims else np.squeeze(found, axis)[()]


def cumsum(a: Any, axis: Any = None, **_: Any) -> Any:
    a, axis = (np.ravel(a), 0) if axis is None else (a, axis)

    def back(g: Any, value: Any) -> Any:
        return np.flip(np.cumsum(np.flip(g, axis), axis), axis)

    return linear("cumsum", lambda v: np.cumsum(v, axis), back, a)


def cumprod(a: Any, axis: Any = None, **_: Any) -> Any:
    a, axis = (np.ravel(a), 0) if axis is None else (a, axis)
    parts = list(itertools.accumulate(np.moveaxis(a, axis, 0), operator.mul))
    return np.stack(parts, axis) if parts else array(a)


def sort(a: Any, axis: Any = -1, **_: Any) -> Any:
    a, axis = (np.ravel(a), -1) if axis is None else (a, axis)
    return np.take_along_axis(a, np.argsort(free(a), axis), axis)


def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    """Linear between the points, constant outside."""
    place, last = np.searchsorted(free(xp), free(x), "right"), np.shape(xp)[0] - 1
    low, high = np.clip(place - 1, 0, last), np.clip(place, 0, last)
    xp, fp = asarray(xp), asarray(fp)
    width = np.where(low == high, 1.0, xp[high] - xp[low])
    inside = fp[low] + (x - xp[low]) / width * (fp[high] - fp[low])
    found = np.where(low == high, fp[low], inside)[()]
    found = found if left is None else np.where(x < xp[0], left, found)[()]
    return found if right is None else np.where(x > xp[-1], right, found)[()]


def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    a, v = (v, a) if np.size(v) > np.size(a) else (a, v)
    n, k = np.size(a), np.size(v)
    full = sum(np.pad(asarray(a), (j, k - 1 - j)) * v[j] for j in range(k))
    first = {"full": 0, "same": (k - 1) // 2, "valid": k - 1}[mode]
    return full[first : first + {"full": n + k - 1, "same": n, "valid": n - k + 1}[mode]]


def where(condition: Any, *both: Any) -> Any:
    condition = free(condition)
    if not both:
        return np.nonzero(condition)
    return moved("where", lambda x, y: np.where(condition, x, y), *both)


def clip(a: Any, low: Any = None, high: Any = None, **named: Any) -> Any:
    low, high = (named.get(f"a_{k}", named.get(k, v)) for k, v in (("min", low), ("max", high)))
    a = a if low is None else np.maximum(a, low)
    return a if high is None else np.minimum(a, high)


def heaviside(x: Any, at_0: Any) -> Any:
    x = free(x)
    return np.where(x < 0, 0.0, np.where(x > 0, 1.0, np.where(x == 0, at_0, x)))


def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, *_: Any, **__: Any
) -> Any:
    return start + (stop - start) * (np.arange(num) / max(num - endpoint, 1))


def copyto(target: Any, source: Any, casting: str = "", where: Any = True) -> None:
    target[...] = source if where is True else np.where(where, source, target)


def fill_diagonal(target: Any, value: Any) -> None:
    places = np.arange(min(target.shape))
    target[places, places] = value


def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    x = free(x)
    return scattered((max(int(np.max(x)) + 1 if np.size(x) else 0, minlength),), x, weights)


ROWS |= {
    "sum": sum_, "mean": mean, "quantile": quantile, "logsumexp": logsumexp,
    "cumsum": cumsum, "cumprod": cumprod, "sort": sort, "interp": interp, "convolve": convolve,
    "where": where, "clip": clip, "heaviside": heaviside, "linspace": linspace,
    "bincount": bincount, "copyto": copyto, "fill_diagonal": fill_diagonal,
    "putmask": lambda target, mask, values: copyto(target, values, where=mask),
    "copy": lambda x, *_, **__: array(x),
    "max": reduction(functools.partial(_first, np.argmax), both=np.maximum),
    "min": reduction(functools.partial(_first, np.argmin), both=np.minimum),
    "prod": reduction(_product, 1.0, operator.mul),
    "var": reduction(_spread), "std": reduction(lambda x, **how: np.sqrt(_spread(x, **how))),
    "nanmean": reduction(lambda x: np.nansum(x, -1) / _there(x)), "nanvar": reduction(_nan_spread),
    "nanstd": reduction(lambda x, **how: np.sqrt(_nan_spread(x, **how))),
    "percentile": lambda a, q, *more, **how: quantile(a, np.asarray(free(q)) / 100, *more, **how),
    "nanquantile": nan_quantile, "nanmedian": lambda a: nan_quantile(a, 0.5),
    "nanpercentile": lambda a, q: nan_quantile(a, np.asarray(free(q)) / 100),
    "median": lambda a, axis=None, **how: quantile(a, 0.5, axis, **how),
    "partition": lambda a, kth, axis=-1, **_: sort(a, axis),
    "ediff1d": lambda a: np.diff(np.ravel(a)),
    "correlate": lambda a, v, mode="valid": convolve(a, np.conj(v)[::-1], mode),
    "softmax": lambda x, axis=None: np.exp(x - logsumexp(x, axis, keepdims=True)),
    "log_softmax": lambda x, axis=None: x - logsumexp(x, axis, keepdims=True),
}  # fmt: skip
