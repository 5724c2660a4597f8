"""Settings of the whole test run."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator

import pytest
from numba.core import config as numba_config

from tests import simulator

# Before adcompile is imported: generated modules go to a directory of this run, so that no test
# sees what an earlier version left on disk.
_CACHE = tempfile.mkdtemp(prefix="adcompile-tests-")
os.environ["ADCOMPILE_CACHE_DIR"] = _CACHE
os.environ["MPLBACKEND"] = "Agg"
os.environ.setdefault("NUMBA_ENABLE_CUDASIM", "1")  # make gpu says 0
numba_config.reload_config()  # pytest imports Numba early, for filterwarnings
if os.environ["NUMBA_ENABLE_CUDASIM"] == "1":
    simulator.make_safe()


_SHARE = 6


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help=f"of ``wide`` tests too, not 1 in {_SHARE}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests marked ``wide`` repeat a table under another condition: of each, one in six runs, at
    even distances."""
    if config.getoption("--all") or config.args != config.getini("testpaths"):
        return
    seen: dict[str, int] = {}
    kept, left_out = [], []
    for item in items:
        place = 0
        if item.get_closest_marker("wide"):
            name = item.nodeid.partition("[")[0]
            place = seen[name] = seen.get(name, -1) + 1
        (left_out if place % _SHARE else kept).append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


@pytest.fixture(scope="session", autouse=True)
def _remove_cache() -> Iterator[None]:
    yield
    shutil.rmtree(_CACHE, ignore_errors=True)
