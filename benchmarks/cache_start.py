"""The first call of a process: cold, and with the compiled code on disk.

    python -m benchmarks.cache_start

Each figure is the time from decorating a function to its first result, imports not counted, in a
process of its own.  The plain njit function is the hand-written adjoint of the same program.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numba import njit

from adcompile import value_and_grad
from benchmarks.lotka_volterra import START, STEP_SIZE, by_hand, simulate
from benchmarks.measure import Spread

COLD_RUNS = 3
PAIRS = 15
STEPS = 100


def first_call(kind: str) -> float:
    """Runs in the measured process."""
    if kind == "adcompile":
        start = time.perf_counter()
        gradient = value_and_grad(simulate, argnums=(0, 1, 2, 3, 4, 5))
        gradient(*START, STEP_SIZE, STEPS)
    else:
        tape = np.empty((STEPS, 2))
        start = time.perf_counter()
        njit(cache=True, error_model="numpy")(by_hand.py_func)(*START, STEP_SIZE, tape)
    return time.perf_counter() - start


def in_process(kind: str, cache: Path) -> float:
    environment = os.environ | {
        "ADCOMPILE_CACHE_DIR": str(cache / "adcompile"),
        "NUMBA_CACHE_DIR": str(cache / "numba"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.cache_start", kind],
        env=environment,
        cwd=Path(__file__).parents[1],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)


def main() -> None:
    cold: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for run in range(COLD_RUNS):
            cold.append(in_process("adcompile", Path(folder, str(run))))
        cache = Path(folder, "0")
        cold_plain = in_process("plain", cache)
        ours, plain = [], []
        for _ in range(PAIRS):
            ours.append(in_process("adcompile", cache))
            plain.append(in_process("plain", cache))

    first = float(np.median(cold))
    print(f"adcompile, cold               {first:7.3f} s")
    print(f"adcompile, second process     {np.median(ours):7.3f} s")
    print(f"plain njit, cold              {cold_plain:7.3f} s")
    print(f"plain njit, second process    {np.median(plain):7.3f} s")
    print(f"second / cold:                {Spread.of([s / first for s in ours])}")
    print(f"second / plain njit, second:  {Spread.of([a / b for a, b in zip(ours, plain)])}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(first_call(sys.argv[1]))
    else:
        main()
