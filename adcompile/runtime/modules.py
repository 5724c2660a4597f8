"""The modules whose functions generated code may call."""

from __future__ import annotations

from adcompile.runtime import (
    arrays,
    choices,
    cholesky,
    complements,
    contractions,
    cutoffs,
    decompositions,
    failing,
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
    *(arrays, choices, cholesky, complements, contractions, cutoffs, decompositions),
    *(failing, likelihood, linalg, memory),
    *(products, special, strips, sums, systems, threads),
)
