"""Embeddings: rows of a table, and gradients that are rows, too."""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from adcompile.nn.gates import Array


@register_jitable
def embedding(table: Array, indices: Array) -> Array:
    """table[indices]: ``table`` (words, features), ``indices`` integers (...,).

    dC/dtable is zero but in the rows that were used; a row used twice gets the sum.
    """
    return table[indices]


@register_jitable
def rows_used(indices: Array) -> tuple[Array, Array]:
    """``(rows, positions)``: the rows of a table that ``indices`` (n,) has, sorted, each once, and
    where among them each index stands: ``rows[positions] == indices``.

    For sparse gradients: differentiate with respect to ``table[rows]``, looked up by
    ``embedding(table[rows], positions)``.  The gradient has a row per row used, whatever the size
    of the table; ``optim.sparse_adam`` takes it with ``rows``.
    """
    rows = np.unique(indices)
    return rows, np.searchsorted(rows, indices)
