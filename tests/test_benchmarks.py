"""The tables of the benchmark; that results agree is checked whenever it runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="module")
def summary() -> Iterator[Any]:
    """Importing it settles threads for this process: undone here."""
    environment = dict(os.environ)
    cpus = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    from benchmarks import summary

    yield summary
    os.environ.clear()
    os.environ.update(environment)
    if cpus is not None:
        os.sched_setaffinity(0, cpus)


def rows(race: Any, **seconds: float | None) -> Any:
    """By contestant; None: not timed, with a note."""
    names = {"ours": "adcompile", "tape": "our tape engine", "hand": "by hand"}
    names |= {"alone": "Numba, value only", "jax": "JAX, best form", "loops": "adcompile, loops"}
    return {
        names[k]: race.Row(note="small case only")
        if t is None
        else race.Row(seconds={0: t, 1: 1.1 * t})
        for k, t in seconds.items()
    }


def test_tables(summary: Any) -> None:
    from benchmarks import race

    small = rows(race, ours=1.0, tape=500.0, hand=1.0, alone=0.5, jax=3.0)
    large = rows(race, ours=4.0, loops=2.0, tape=None, hand=1.0, alone=1.0, jax=1.0)
    found = {("W", "small", "one"): small, ("W", "large", "one"): large}
    first, second = summary.overview(found).splitlines()[2:]
    cells = [cell.strip() for cell in first.strip("|").split("|")]
    assert cells[:6] == ["W, small", "525 ms", "1.05 s", "1.05 s", "500", "2.00"]
    assert cells[6:8] == ["1.00", "3.00 JAX, best form"]
    cells = [cell.strip() for cell in second.strip("|").split("|")]
    assert cells[3:6] == ["2.1 s", "(500: small)", "2.00"]  # the quicker form; marked
    assert cells[6:8] == ["2.00", "0.50 JAX, best form"]
    short = summary.short(found).splitlines()
    assert len(short) == 3 and "W, large" in short[2] and "| (500 x) |" in short[2]
    both = {**found, ("W", "large", "all"): rows(race, ours=3.0, loops=1.0, jax=0.5)}
    assert "| 1.05 s (0.50), loops |  | 525 ms (0.50) |" in summary.several(both)


def test_what_was_found_is_found_again(
    summary: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks import race

    monkeypatch.setattr(summary, "RESULTS", tmp_path / "benchmarks.json")
    found = {("W", "c", "all"): rows(race, ours=1.0, tape=None)}
    found["W", "c", "all"]["adcompile"].peak = 5
    summary.save(found)
    assert summary.load() == found


def test_results_that_differ_are_told(summary: Any) -> None:
    from benchmarks.arrays.workload import DisagreementError, check

    expected = (1.0, (np.array([1.0, 2.0]),))
    check("x", (1.0, [np.array([1.0, 2.0 + 1e-13])]), expected, 1e-12)
    check("NumPy, value only", 1.0, expected, 1e-12)
    for wrong in ((1.0, np.array([1.0, 2.1])), (1.0,), (1.0, np.array([1.0]))):
        with pytest.raises(DisagreementError, match=r"^x: "):
            check("x", wrong, expected, 1e-12)
