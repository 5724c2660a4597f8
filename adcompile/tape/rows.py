"""NumPy's functions of arrays that are neither elementwise nor a movement, mostly in terms of those
that are."""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from adcompile.tape.functions import array, asarray, linear, moved, row, scattered, unknown
from adcompile.tape.variable import Array, free, lift

Axis = Any  # None, an integer, or a tuple of them


def _axes(a: Any, axis: Axis) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(np.ndim(a)))
    return tuple(k % np.ndim(a) for k in (axis if isinstance(axis, tuple | list) else (axis,)))


def _kept_shape(a: Any, axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(1 if k in axes else n for k, n in enumerate(np.shape(a)))


def reduction(neutral: float = math.nan, both: Any = None) -> Callable[..., Any]:
    """A row from a function that reduces the last axis.  ``neutral`` stands for elements that are
    left out by ``where=``; ``both`` joins the result to ``initial=``."""

    def with_axes(f: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(f)
        def reduced(
            a: Any, axis: Axis = None, dtype: Any = None, out: Any = None, keepdims: bool = False,
            initial: Any = None, where: Any = True, **more: Any,
        ) -> Any:  # fmt: skip
            if where is not True:
                a = np.where(where, a, neutral if initial is None else initial)
            axes = _axes(a, axis)
            others = tuple(k for k in range(np.ndim(a)) if k not in axes)
            rest = tuple(np.shape(a)[k] for k in others)
            count = math.prod(np.shape(a)[k] for k in axes)
            lines = np.reshape(np.transpose(a, (*others, *axes)), (*rest, count))
            if count == 0 and initial is not None:
                found, initial = lift(np.full(rest, initial, float)), None
            else:
                found = f(lines, **more)
            found = np.reshape(found, _kept_shape(a, axes)) if keepdims else found
            return found if initial is None else both(found, initial)

        return row(reduced)

    return with_axes


@row
def sum_(
    a: Any, axis: Axis = None, dtype: Any = None, out: Any = None, keepdims: bool = False,
    initial: Any = None, where: Any = True,
) -> Any:  # fmt: skip
    """No ``reduction``: quicker, and regular where programs spend their time."""
    a, axes = a if where is True else np.where(where, a, 0.0), _axes(a, axis)

    def spread(g: Any, value: Any) -> Any:
        return np.broadcast_to(np.reshape(g, _kept_shape(value, axes)), np.shape(value))

    total = linear("sum", lambda v: np.sum(v, axes, dtype, keepdims=keepdims), spread, a)
    return total if initial is None else total + initial


@row
def mean(a: Any, axis: Axis = None, *args: Any, where: Any = True, **options: Any) -> Any:
    ones = np.broadcast_to(where, np.shape(a))
    return sum_(a, axis, *args, where=where, **options) / np.sum(
        ones, axis, keepdims=options.get("keepdims", False)
    )


@reduction()
def var(lines: Any, ddof: float = 0, **_: Any) -> Any:
    apart = lines - np.mean(lines, axis=-1, keepdims=True)
    return np.sum((apart * np.conj(apart)).real, axis=-1) / (lines.shape[-1] - ddof)


@reduction()
def std(lines: Any, **options: Any) -> Any:
    return np.sqrt(var(lines, -1, **options))


@reduction()
def nanmean(lines: Any) -> Any:
    return np.nansum(lines, -1) / np.sum(~np.isnan(free(lines)), -1)


@reduction()
def nanvar(lines: Any, ddof: float = 0) -> Any:
    apart = lines - nanmean(lines, -1, keepdims=True)
    return np.nansum(apart * apart, -1) / (np.sum(~np.isnan(free(lines)), -1) - ddof)


@reduction()
def nanstd(lines: Any, **options: Any) -> Any:
    return np.sqrt(nanvar(lines, -1, **options))


@reduction(1.0, operator.mul)
def prod(lines: Any) -> Any:
    """A chain of products: right where an element is zero."""
    parts = np.moveaxis(lines, -1, 0)
    return functools.reduce(operator.mul, parts) if len(parts) else np.ones(lines.shape[:-1])[()]


def _first(lines: Any, places: Any) -> Any:
    return np.take_along_axis(lines, np.expand_dims(places, -1), -1)[..., 0][()]


@reduction(both=np.maximum)
def max_(lines: Any) -> Any:
    """The first of the largest elements."""
    return _first(lines, np.argmax(free(lines), -1))


@reduction(both=np.minimum)
def min_(lines: Any) -> Any:
    return _first(lines, np.argmin(free(lines), -1))


@row
def logsumexp(a: Any, axis: Axis = None, b: Any = None, keepdims: bool = False, **_: Any) -> Any:
    largest = np.max(free(a), axis=_axes(a, axis), keepdims=True)
    parts = np.exp(a - np.where(np.isfinite(largest), largest, 0.0))
    total = np.sum(parts if b is None else b * parts, axis=axis, keepdims=True)
    found = np.log(total) + np.where(np.isfinite(largest), largest, 0.0)
    return found if keepdims else np.squeeze(found, axis)[()]


@row
def quantile(a: Any, q: Any, axis: Axis = None, keepdims: bool = False, **options: Any) -> Any:
    if options:
        raise unknown(f"np.quantile with {options}")
    found = [_at_share(a, axis, keepdims=keepdims, q=float(part)) for part in np.ravel(free(q))]
    return found[0] if np.ndim(q) == 0 else np.stack(found)


@reduction()
def _at_share(lines: Any, q: float) -> Any:
    place = q * (lines.shape[-1] - 1)
    low = int(place)
    lines, high = np.sort(lines), min(low + 1, lines.shape[-1] - 1)
    return lines[..., low][()] * (1 - (place - low)) + lines[..., high][()] * (place - low)


@row
def percentile(a: Any, q: Any, *args: Any, **options: Any) -> Any:
    return quantile(a, np.asarray(free(q)) / 100, *args, **options)


@row
def median(a: Any, axis: Axis = None, **options: Any) -> Any:
    return quantile(a, 0.5, axis, **options)


# ---------------------------------------------------------------- along an axis


@row
def cumsum(a: Any, axis: Any = None, **_: Any) -> Any:
    if axis is None:
        a, axis = np.ravel(a), 0

    def back(g: Any, value: Any) -> Any:
        return np.flip(np.cumsum(np.flip(g, axis), axis), axis)

    return linear("cumsum", lambda v: np.cumsum(v, axis), back, a)


@row
def cumprod(a: Any, axis: Any = None, **_: Any) -> Any:
    if axis is None:
        a, axis = np.ravel(a), 0
    parts = list(itertools.accumulate(np.moveaxis(a, axis, 0), operator.mul))
    return np.stack(parts, axis) if parts else array(a)


@row
def sort(a: Any, axis: Any = -1, **_: Any) -> Any:
    if axis is None:
        a, axis = np.ravel(a), -1
    return np.take_along_axis(a, np.argsort(free(a), axis), axis)


@row
def partition(a: Any, kth: Any, axis: Any = -1, **_: Any) -> Any:
    return sort(a, axis)


@row
def ediff1d(a: Any) -> Any:
    return np.diff(np.ravel(a))


@row
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, **_: Any
) -> Any:
    return start + (stop - start) * (np.arange(num) / max(num - endpoint, 1))


@row
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


@row
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    if np.size(v) > np.size(a):
        a, v = v, a
    n, k = np.size(a), np.size(v)
    full = sum(np.pad(asarray(a), (j, k - 1 - j)) * v[j] for j in range(k))
    first = {"full": 0, "same": (k - 1) // 2, "valid": k - 1}[mode]
    return full[first : first + {"full": n + k - 1, "same": n, "valid": n - k + 1}[mode]]


@row
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    return convolve(a, np.conj(v)[::-1], mode)


# ---------------------------------------------------------------- elements


@row
def where(condition: Any, *both: Any) -> Any:
    condition = free(condition)
    if not both:
        return np.nonzero(condition)
    return moved("where", lambda x, y: np.where(condition, x, y), *both)


@row
def clip(a: Any, low: Any = None, high: Any = None, **named: Any) -> Any:
    low, high = (named.get(f"a_{k}", named.get(k, v)) for k, v in (("min", low), ("max", high)))
    a = a if low is None else np.maximum(a, low)
    return a if high is None else np.minimum(a, high)


@row
def heaviside(x: Any, at_0: Any) -> Any:
    x = free(x)
    return np.where(x < 0, 0.0, np.where(x > 0, 1.0, np.where(x == 0, at_0, x)))


@row
def copy(x: Any) -> Any:
    return array(x)


@row
def copyto(target: Array, source: Any, casting: str = "", where: Any = True) -> None:
    target[...] = source if where is True else np.where(where, source, target)


@row
def putmask(target: Array, mask: Any, values: Any) -> None:
    target[...] = np.where(mask, values, target)


@row
def fill_diagonal(target: Array, value: Any) -> None:
    places = np.arange(min(target.shape))
    target[places, places] = value


@row
def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    x = free(x)
    return scattered((max(int(np.max(x)) + 1 if np.size(x) else 0, minlength),), x, weights)


@row
def softmax(x: Any, axis: Axis = None) -> Any:
    return np.exp(log_softmax(x, axis))


@row
def log_softmax(x: Any, axis: Axis = None) -> Any:
    return x - logsumexp(x, axis, keepdims=True)
