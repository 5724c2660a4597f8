"""Settings of the whole test run."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator

import pytest

# Before adcompile is imported: generated modules go to a directory of this run, so that no test
# sees what an earlier version left on disk.
_CACHE = tempfile.mkdtemp(prefix="adcompile-tests-")
os.environ["ADCOMPILE_CACHE_DIR"] = _CACHE
os.environ["MPLBACKEND"] = "Agg"


@pytest.fixture(scope="session", autouse=True)
def _remove_cache() -> Iterator[None]:
    yield
    shutil.rmtree(_CACHE, ignore_errors=True)
