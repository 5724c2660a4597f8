"""Kernels as PTX, and what the assembler makes of it, without a GPU or the simulator."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("numba_cuda")

from tests import cuda_kernels, cuda_ptx, cuda_shared

NAMES = cuda_ptx.names()
EVERYWHERE = {"n_body", "squared", "gather", "diffuse", "tree", "counted_in_blocks"}
# Of explain() they say that nothing is atomic.
PLAIN = {c.name for c in (*cuda_kernels.CASES, *cuda_shared.CASES) if c.silent == "atomic"}
TESTED = range(len(cuda_ptx.CAPABILITIES))


@pytest.mark.compiled
@pytest.mark.parametrize("place", TESTED, ids=["sm_75", "sm_80", "sm_90"])
def test_ptx(place: int, request: pytest.FixtureRequest) -> None:
    """Every kernel compiles for one of three generations of devices, some for all; all of them for
    all: --all, and python -m tests.cuda_ptx."""
    wide = request.config.getoption("--all")
    taken = [n for k, n in enumerate(NAMES) if wide or k % 3 == place or n in EVERYWHERE]
    cc = "{}.{}".format(*cuda_ptx.CAPABILITIES[place])
    done = subprocess.run(
        [sys.executable, "-m", "tests.cuda_ptx", "--cc", cc, *taken],
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
        assert 0 < int(registers) < 256
        assert spilled == "0", line
        assert title not in PLAIN or atomics == "0", line
    assert seen == set(taken)
