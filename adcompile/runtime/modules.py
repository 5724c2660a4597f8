"""The modules whose functions generated code may call."""

from __future__ import annotations

from adcompile.runtime import (
    arrays,
    cholesky,
    contractions,
    likelihood,
    linalg,
    memory,
    products,
    special,
    strips,
    sums,
    systems,
    threads,
)

MODULES = (
    *(arrays, cholesky, contractions, likelihood, linalg, memory),
    *(products, special, strips, sums, systems, threads),
)
