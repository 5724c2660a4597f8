"""Kernels as PTX, and what the assembler makes of it, without a GPU or the simulator."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("numba_cuda")

from tests import cuda_kernels, cuda_patterns, cuda_ptx, cuda_shared, cuda_textbook

# Of explain() they say that nothing is atomic.
PLAIN = {
    c.name
    for m in (cuda_kernels, cuda_shared, cuda_textbook, cuda_patterns)
    for c in m.CASES
    if c.silent == "atomic"
}


@pytest.mark.compiled
def test_ptx(request: pytest.FixtureRequest) -> None:
    """Every kernel compiles for one of three generations of devices, some for all; with --all, as
    by python -m tests.cuda_ptx, all for all."""
    some = [] if request.config.getoption("--all") else ["--some"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.cuda_ptx", *some],
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    seen = set()
    for line in done.stdout.splitlines()[2:]:
        title, registers, _, spilled, atomics = (c.strip() for c in line.strip("|").split("|"))
        title = title.partition(":")[0]
        seen.add(cuda_ptx.WRITTEN_ONES if ", " in title else title)
        assert all(0 < int(n) < 256 for n in registers.split(","))
        assert spilled == "0", line
        assert title not in PLAIN or atomics == "0", line
    assert seen == set(cuda_ptx.names())
