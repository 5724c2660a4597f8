"""Peak memory of a call, each contestant in a process of its own.

    python -m benchmarks.arrays.memory WORKLOAD CONTESTANT CASE...

prints one line per case: how far the resident memory rises above what it was before the call,
after a first call that compiled, with what that one left behind in freed memory given back to the
system.  The results count, the inputs do not.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from benchmarks.arrays.run import build
from benchmarks.arrays.workload import Workload

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peaks(workload: str, contestant: str, cases: list[str]) -> dict[str, int]:
    """Bytes by case; nothing where it cannot be measured (this takes Linux)."""
    if not _CLEAR.exists():
        return {}
    command = [sys.executable, "-m", "benchmarks.arrays.memory", workload, contestant, *cases]
    # Without heaps that keep what was freed, or pages counted already would be used again.
    environment = {
        **os.environ,
        "MALLOC_MMAP_THRESHOLD_": "65536",
        "MALLOC_TRIM_THRESHOLD_": "65536",
    }
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return {case: peak for line in lines for case, peak in json.loads(line).items()}


def peak(workload: Workload, contestant: str, case: str) -> int | None:
    call, result, _ = build(workload, contestant, workload.cases[case]())
    if call is None:
        return None
    del result
    call()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    before = resident("VmRSS")
    clear_peak()
    result = call()
    del result
    return resident("VmHWM") - before


def clear_peak() -> None:
    """The high-water mark starts anew."""
    _CLEAR.write_text("5")


def resident(key: str) -> int:
    """Bytes: VmRSS, now, or VmHWM, the high-water mark."""
    found = re.search(rf"{key}:\s+(\d+) kB", _STATUS.read_text())
    assert found is not None
    return 1024 * int(found[1])


def main(arguments: list[str]) -> None:
    from benchmarks.arrays.workloads import WORKLOADS

    workload, contestant, *cases = arguments
    for case in cases:
        bytes_ = peak(WORKLOADS[workload], contestant, case)
        if bytes_ is not None:
            print(json.dumps({case: bytes_}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
