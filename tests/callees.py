"""Functions that the programs of several test files call."""

from __future__ import annotations


def helper(x, k=2, *, shift=0.0):
    for i in range(3):
        if x < i:
            return shift - x
        x = x - 1.0
    return x**k + shift


def square(x):
    return x * x
