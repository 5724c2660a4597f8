"""benchmarks.gpu with tiny sizes in the simulator, so that it does not fail on the first GPU."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba_cuda")

from adcompile.testing import plain_value_and_grad
from benchmarks.gpu import run, workload
from benchmarks.gpu.__main__ import main
from benchmarks.gpu.workload import BY_HAND, COMPILED, JAX, OURS, TORCH, WARP, AbsentError
from tests import oracle

pytestmark = pytest.mark.filterwarnings("ignore::Warning:numba")


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other packages."""

    def absent(name: str) -> Any:
        raise AbsentError(f"{name} is not installed")

    monkeypatch.setattr(workload, "imported", absent)
    monkeypatch.setattr("benchmarks.gpu.mlp.imported", absent)


@pytest.mark.parametrize("name", run.WORKLOADS)
def test_by_hand(name: str, tmp_path: Path) -> None:
    """The yardstick has the CPU's gradient, twice, since buffers are reused.  Ours, of programs
    that tests/cuda_programs.py lacks."""
    chosen = run.workload(name)
    given = chosen.inputs(True)
    found = plain_value_and_grad(chosen.function, chosen.argnums)(*oracle.copies(given))
    run.save(tmp_path / "expected.npz", found)
    tolerance = 2e-5 if given[0].dtype == np.float32 else 1e-12
    for who in (BY_HAND, OURS) if name in ("heat", "mlp") else (BY_HAND,):
        prepared = chosen.contestants[who](*oracle.copies(given))
        for _ in range(2 if who == BY_HAND and name != "mlp" else 1):  # a training step moves on
            result = prepared.fetch(prepared.call())
            run.compare(who, result, tmp_path / "expected.npz", tolerance)


def test_one_command(
    alone: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    results = tmp_path / "gpu.json"
    assert main(["n_body", "--small", "--results", str(results)]) == 0
    rows = json.loads(results.read_text())["rows"]["n_body"]
    assert len(rows[OURS]["seconds"]) == 1
    for who in (JAX, TORCH, COMPILED, WARP):
        assert "not installed" in rows[who]["note"]
    assert "| by hand, numba.cuda |" in results.with_suffix(".md").read_text()
    assert "| JAX | jax is not installed |" in capsys.readouterr().out


def test_what_disagrees_is_not_timed(
    alone: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = tmp_path / "reference.npz"
    run.save(reference, (1.0, (np.array([1.0, 2.0]), 3.0)))
    run.compare("x", (1.0, (np.array([1.0, 2.0 + 1e-12]), np.array(3.0))), reference, 1e-11)
    for wrong in (
        (1.1, (np.array([1.0, 2.0]), 3.0)),
        (1.0, (np.array([1.0, 2.1]), 3.0)),
        (1.0, (np.array([1.0, np.nan]), 3.0)),
        (1.0, (np.array([1.0]), 3.0)),
        (1.0, (np.array([1.0, 2.0]),)),
    ):
        with pytest.raises(run.DisagreementError, match=r"^x: "):
            run.compare("x", wrong, reference, 1e-11)
    assert "DisagreementError" in run.one("n_body", OURS, True, reference)["failed"]
