"""Many programs, in several processes."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from . import coverage
from .check import Outcome, Target, check, work_folder
from .program import generate
from .shrink import shrink
from .tree import Program


@dataclass
class Summary:
    count: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    pairs: coverage.Pairs = field(default_factory=Counter)  # of the accepted programs
    refusals: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[str, Outcome]] = field(default_factory=list)
    skipped: int = 0

    def add(self, seed: str, outcome: Outcome) -> None:
        self.count += 1
        self.statuses[outcome.status] += 1
        self.skipped += outcome.skipped
        if outcome.status == "refused":
            self.refusals[outcome.detail.splitlines()[0]] += 1
        elif outcome.status in ("ok", "discarded"):
            self.pairs.update(coverage.pairs(generate(seed)))
        if outcome.bad or outcome.status == "invalid":
            self.failures.append((seed, outcome))

    @property
    def acceptance(self) -> float:
        return 1 - self.statuses["refused"] / max(self.count, 1)

    @property
    def discarded(self) -> float:
        accepted = self.count - self.statuses["refused"]
        return self.statuses["discarded"] / max(accepted, 1)

    def __str__(self) -> str:
        parts = [f"{self.count} programs"]
        parts += [f"{k} {n}" for k, n in sorted(self.statuses.items())]
        rates = f"accepted {self.acceptance:.1%}, discarded {self.discarded:.1%}"
        return ", ".join(parts) + f" | {rates}, {self.skipped} coordinates skipped"


def batch(seeds: list[str], target: Target) -> list[tuple[str, Outcome]]:
    return [(s, check(generate(s), target)) for s in seeds]


def run(seeds: list[str], target: Target, jobs: int = 1) -> Summary:
    total = Summary()
    if jobs <= 1:
        for s in seeds:
            total.add(s, check(generate(s), target))
        return total
    work_folder()  # before the processes part, so that there is one, and it is removed
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    size = max(1, min(25, len(seeds) // (2 * jobs)))
    chunks = [seeds[k : k + size] for k in range(0, len(seeds), size)]
    with ProcessPoolExecutor(jobs) as pool:
        for results in pool.map(batch, chunks, [target] * len(chunks)):
            for seed, outcome in results:
                total.add(seed, outcome)
    return total


def smallest(
    seed: str, outcome: Outcome, target: Target, seconds: float
) -> tuple[Program, Outcome]:
    """The shrunk program and how it fails."""
    last = [outcome]

    def fails(candidate: Program) -> bool:
        result = check(candidate, target)
        if result.same_kind(outcome):
            last[0] = result
            return True
        return False

    return shrink(generate(seed), fails, seconds), last[0]
