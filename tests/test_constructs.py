"""Programs over the constructs of Python and Numba: right, or refused as the table says."""

from __future__ import annotations

from tests.constructs import control, dispatchers, values

MODULES = (dispatchers, control, values)
