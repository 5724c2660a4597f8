"""A module that a module of the programs imports."""

from __future__ import annotations

from numba import njit


@njit
def quartic(u):
    return (u * u) ** 2
