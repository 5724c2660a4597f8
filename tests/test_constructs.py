"""Programs over the constructs of Python and Numba: right, or refused as the table says."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numba
import numpy as np
import pytest

from adcompile.errors import AdcompileError
from adcompile.testing import plain_jvp, plain_value_and_grad
from tests import oracle
from tests.constructs import control, dispatchers, values
from tests.constructs.entries import Entry

MODULES = (dispatchers, control, values)
