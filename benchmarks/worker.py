"""One contestant in a process of its own, which does what it is told on its standard input.

    python -m benchmarks.worker WORKLOAD CASE CONTESTANT FILE

builds the contestant, keeps its first result in FILE (npz) and then answers each line, ``time N``
(N calls) or ``peak``, with a line of JSON.
"""

from __future__ import annotations

import ctypes
import gc
import json
import sys
import time
from typing import Any

import numpy as np

import benchmarks.loops  # noqa: F401  one thread
from benchmarks.arrays.memory import clear_peak, resident
from benchmarks.arrays.run import build
from benchmarks.arrays.workload import flat
from benchmarks.measure import Call
from benchmarks.workloads import WORKLOADS

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h


def say(**answer: Any) -> None:
    print("@" + json.dumps(answer), flush=True)


def timed(call: Call, repeat: int) -> float:
    start = time.process_time()
    for _ in range(repeat):
        call()
    return (time.process_time() - start) / repeat


def peak(call: Call) -> int:
    """How far the resident memory rises in a call.  Asked for last: from then on what is freed goes
    back to the system at once, or pages counted already would be used again."""
    gc.collect()
    libc = ctypes.CDLL(None)
    for threshold in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD):
        libc.mallopt(threshold, 1 << 16)
    libc.malloc_trim(0)
    before = resident("VmRSS")
    clear_peak()
    result = call()
    del result
    return resident("VmHWM") - before


def main(workload: str, case: str, contestant: str, file: str) -> None:
    chosen = WORKLOADS[workload]
    inputs = chosen.cases[case]()
    start = time.perf_counter()
    call, result, note = build(chosen, contestant, inputs)
    first = time.perf_counter() - start
    if call is not None:
        np.savez(file, *flat(result))
    del result
    say(note=note, first=first, once=None if call is None else timed(call, 1))
    for line in sys.stdin:
        assert call is not None
        command, *numbers = line.split()
        gc.collect()
        gc.disable()
        say(found=peak(call) if command == "peak" else timed(call, int(numbers[0])))
        gc.enable()


if __name__ == "__main__":
    main(*sys.argv[1:])
