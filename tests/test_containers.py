"""NamedTuples, tuples, lists, dicts and records: inside programs, and as arguments."""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import pytest

from tests import container_table as table
from tests.test_arrays import compare, load

GROUPS = {
    "named": table.NAMED_TUPLES,
    "tuples": table.TUPLES,
    "lists": table.LISTS,
    "dicts": table.DICTS,
    "enums": table.ENUMS,
}
PROGRAMS = [(group, body) for group, text in GROUPS.items() for body in table.programs(text)]
POINTS = 2


def arguments(seed: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0.3, 1.5, 2)
    return rng.normal(size=6), rng.normal(size=6), rng.normal(size=(3, 4)), a, b


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> types.ModuleType:
    lines = [table.PRELUDE]
    for k, (_, body) in enumerate(PROGRAMS):
        lines += [f"def f{k}(x, y, m, a, b):", *(f"    {line}" for line in body.split("\n")), ""]
    path = tmp_path_factory.mktemp("containers") / "container_programs.py"
    path.write_text("\n".join(lines))
    return load(path)


@pytest.mark.parametrize("optimise", [True, False])
@pytest.mark.parametrize("k", range(len(PROGRAMS)), ids=[f"{g}: {b}" for g, b in PROGRAMS])
def test_program(written: types.ModuleType, k: int, optimise: bool) -> None:
    compare(getattr(written, f"f{k}"), arguments(k), optimise)
