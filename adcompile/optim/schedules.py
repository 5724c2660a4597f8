"""Learning rates over time: functions of the step or epoch t = 0, 1, 2, ..., for njit code, too."""

from __future__ import annotations

import math

from numba.extending import register_jitable


@register_jitable
def constant(rate: float, t: int) -> float:
    """The same at all times."""
    return rate


@register_jitable
def halving(rate: float, t: int, every: int) -> float:
    """rate / 2^floor(t / every)."""
    return rate * 0.5 ** (t // every)


@register_jitable
def exponential(rate: float, t: int, k: float) -> float:
    """rate exp(-k t)."""
    return rate * math.exp(-k * t)


@register_jitable
def cyclic(low: float, high: float, t: int, half_cycle: int) -> float:
    """Up from ``low`` to ``high`` in ``half_cycle`` steps, down in as many, and so on.

    Smith, Cyclical learning rates for training neural networks, 2017.
    """
    phase = t % (2 * half_cycle) / half_cycle
    return low + (high - low) * (1.0 - abs(phase - 1.0))


@register_jitable
def one_cycle(
    high: float, t: int, steps: int, warm: float = 0.3, start: float = 25.0, end: float = 1e4
) -> float:
    """From high / start up to ``high`` in the first ``warm`` part of ``steps``, then down to
    high / start / end, both along half a cosine.

    Smith and Topin, Super-convergence, 2018, with PyTorch's numbers.
    """
    low, last = high / start, high / start / end
    top = warm * steps - 1.0
    if t < top:
        return float(_between(low, high, t / top))
    return float(_between(high, last, (t - top) / (steps - 1.0 - top)))


@register_jitable
def cosine(rate: float, t: int, steps: int, low: float = 0.0) -> float:
    """From ``rate`` at 0 down to ``low`` at ``steps``, along half a cosine.

    Loshchilov and Hutter, SGDR, 2017.
    """
    return float(_between(rate, low, t / steps))


@register_jitable
def _between(first: float, last: float, share: float) -> float:
    return last + (first - last) * 0.5 * (1.0 + math.cos(math.pi * share))
