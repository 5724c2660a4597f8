"""One contestant in a process of its own, which does what it is told on its standard input.

    python -m benchmarks.worker WORKLOAD CONTESTANT CPU

answers each line, words apart by tabs, with a line of JSON: ``build CASE FILE`` (the result goes to
FILE, npz), ``time N`` (N calls), ``peak`` and ``tape``.  It starts on the given CPU, and moves to
the last one to be timed.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.arrays import ONE_THREAD
from benchmarks.arrays.memory import clear_peak, resident
from benchmarks.arrays.run import build
from benchmarks.arrays.workload import flat
from benchmarks.measure import Call
from benchmarks.workloads import WORKLOADS

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_SMALL, _USUAL = 1 << 16, 32 << 20  # glibc's own limit grows to the latter, with what is freed


def say(**answer: Any) -> None:
    print("@" + json.dumps(answer), flush=True)


def move(cpu: int) -> None:
    """All threads, which inherit this only when they start."""
    if ONE_THREAD and hasattr(os, "sched_setaffinity"):
        for thread in Path("/proc/self/task").iterdir():
            os.sched_setaffinity(int(thread.name), {cpu})


_REST = 0.3  # seconds; for 0.2 the threads of whoever was before still look for work


def timed(call: Call, repeat: int) -> float:
    """CPU time, so that what else the machine does counts less; with all threads, time."""
    clock = time.process_time if ONE_THREAD else time.perf_counter
    if not ONE_THREAD:
        time.sleep(_REST)
        call()
    start = clock()
    for _ in range(repeat):
        call()
    return (clock() - start) / repeat


def peak(call: Call) -> int:
    """How far the resident memory rises in a call, in which what is freed goes back to the system
    at once: pages counted already would be used again."""
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_MMAP_THRESHOLD, _SMALL)
    libc.mallopt(_M_TRIM_THRESHOLD, _SMALL)
    libc.malloc_trim(0)
    before = resident("VmRSS")
    clear_peak()
    result = call()
    del result
    rise = resident("VmHWM") - before
    libc.mallopt(_M_MMAP_THRESHOLD, _USUAL)  # the next case would fault in all pages of every call
    libc.mallopt(_M_TRIM_THRESHOLD, 2 * _USUAL)
    return rise


def tape(call: Call) -> int | None:
    """Bytes that are kept for the way back, if the contestant can tell."""
    measure = getattr(call, "tape_bytes", None)
    return None if measure is None else int(measure())


def main(workload: str, contestant: str, cpu: str) -> None:
    chosen = WORKLOADS[workload]
    move(int(cpu))
    last = (os.cpu_count() or 1) - 1
    call: Call | None = None
    for line in sys.stdin:
        command, *words = line.rstrip("\n").split("\t")
        if command == "build":
            call = None
            inputs = chosen.cases[words[0]]()
            start = time.perf_counter()
            call, result, note = build(chosen, contestant, inputs)
            first = time.perf_counter() - start
            if call is not None:
                np.savez(words[1], *flat(result))
            del result
            move(last)
            say(note=note, first=first, once=None if call is None else timed(call, 1))
            continue
        assert call is not None
        gc.collect()
        gc.disable()
        try:
            say(found=_answer(command, call, words))
        except Exception as error:
            say(found=None, note=f"{type(error).__name__}: {error}")
        gc.enable()


def _answer(command: str, call: Call, words: list[str]) -> float | None:
    if command == "time":
        return timed(call, int(words[0]))
    return peak(call) if command == "peak" else tape(call)


if __name__ == "__main__":
    main(*sys.argv[1:])
