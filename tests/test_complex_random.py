"""Random programs with complex numbers, in both modes."""

from __future__ import annotations

import types

import numpy as np
import pytest

from tests.complex_programs import write
from tests.complex_table import cvec
from tests.test_arrays import load
from tests.test_complex import check

SEEDS = range(30)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> types.ModuleType:
    path = tmp_path_factory.mktemp("complex") / "complex_random.py"
    path.write_text(write(SEEDS))
    return load(path)


@pytest.mark.parametrize("optimise", [True, False])
@pytest.mark.parametrize("seed", SEEDS)
def test_random(programs: types.ModuleType, seed: int, optimise: bool) -> None:
    rng = np.random.default_rng(seed)
    args = (complex(cvec(rng)), cvec(rng, 4), float(rng.normal()), rng.normal(size=4))
    check(getattr(programs, f"f{seed}"), args, optimise)


@pytest.mark.compiled
@pytest.mark.parametrize("seed", [4, 11])
def test_compiled(programs: types.ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    args = (complex(cvec(rng)), cvec(rng, 4), float(rng.normal()), rng.normal(size=4))
    check(getattr(programs, f"f{seed}"), args, True, compiled=True)
