"""Candidates timed in turns (A B C A B C ...), compared by the ratios within each turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Call = Callable[[], object]


@dataclass(frozen=True)
class Spread:
    """A median with the interval that holds the middle 90 % of the samples."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(samples: Sequence[float]) -> Spread:
        low, median, high = np.quantile(samples, (0.05, 0.5, 0.95))
        return Spread(float(median), float(low), float(high))

    def __str__(self) -> str:
        return f"{self.median:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class Times:
    """Seconds per call of each candidate, one entry per turn."""

    seconds: dict[str, list[float]]

    def median(self, name: str) -> float:
        return float(np.median(self.seconds[name]))

    def ratio(self, name: str, over: str) -> Spread:
        pairs = zip(self.seconds[name], self.seconds[over])
        return Spread.of([a / b for a, b in pairs])

    def show(self, *pairs: tuple[str, str]) -> None:
        """The time of each candidate, then the ratio of each pair (name, over)."""
        wide = max(len(name) for name in self.seconds)
        for name in self.seconds:
            print(f"{name:{wide}}  {1e6 * self.median(name):12.3f} us")
        for name, over in pairs:
            print(f"{name} / {over}: {self.ratio(name, over)}")


def interleave(
    calls: Mapping[str, Call],
    turns: int = 25,
    repeat: int = 1,
    clock: Callable[[], float] = time.thread_time,
) -> Times:
    """Time ``repeat`` calls of every candidate in each turn.  The first turn is not counted.

    The clock is the CPU time of this thread, page faults included, so that what else the machine
    does counts less; give ``time.perf_counter`` for candidates that use several threads.
    """
    if turns < 15:
        raise ValueError("a ratio takes at least 15 turns")
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(turns + 1):
        for name, call in calls.items():
            start = clock()
            for _ in range(repeat):
                call()
            if turn:
                seconds[name].append((clock() - start) / repeat)
    return Times(seconds)
