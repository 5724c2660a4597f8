"""The contestants of a workload, each in its own process, timed in turns."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.arrays import LIMITS, run
from benchmarks.arrays.workload import (
    BY_HAND,
    OURS,
    SEQUENTIAL,
    TAPE,
    DisagreementError,
    Workload,
    check,
)

SHORT = 0.01  # a call shorter than this is repeated
LONG = 3.0  # seconds; of a call longer than this memory is not measured
PATIENCE = 75.0  # seconds for a first call, compilers included
RECORDERS = (TAPE, "PyTorch", "autograd")  # compile nothing, and must be done by then
RECORDERS_PATIENCE = 30.0
THREADED = (OURS, BY_HAND, "JAX, best form", "PyTorch", "torch.compile")  # and what begins so


@dataclass(frozen=True)
class Effort:
    """``turns``, or ``few`` of them for contestants that would take longer than ``budget`` seconds,
    or one where a call takes longer than ``long``; ``slow``: with those that take long in large
    cases."""

    turns: int = 9
    few: int = 3
    budget: float = 1.5
    long: float = LONG
    slow: bool = False


FULL = Effort(turns=15, few=3, budget=4.0, long=10.0, slow=True)


@dataclass
class Row(run.Row):
    """``first``: seconds of the first call, with an empty cache; ``warm``: with a full one;
    ``peak`` and ``tape``: bytes."""

    first: float | None = None
    warm: float | None = None
    tape: int | None = None


Rows = dict[str, Row]


class Worker:
    """A process that answers; it is killed when it does not."""

    def __init__(self, name: str, contestant: str, folder: str, cpu: int, threads: str) -> None:
        self.name, self.contestant, self.folder = name, contestant, folder
        self.file = Path(folder) / f"{abs(hash((contestant, cpu)))}.npz"
        self.once = 0.0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", name, contestant, str(cpu)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={
                **{k: v for k, v in os.environ.items() if threads == "one" or k not in LIMITS},
                "ADCOMPILE_CACHE_DIR": folder,
                "TORCHINDUCTOR_CACHE_DIR": f"{folder}/inductor",
                "ADCOMPILE_BENCH_THREADS": threads,
            },
        )
        self.answers: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("@"):
                self.answers.put(line[1:])
        self.answers.put(None)

    def ask(self, *words: str, patience: float = PATIENCE) -> dict[str, Any]:
        """Raises ``queue.Empty`` if there is no answer in time."""
        assert self.process.stdin is not None
        self.process.stdin.write("\t".join(words) + "\n")
        self.process.stdin.flush()
        line = self.answers.get(timeout=patience)
        if line is None:
            raise ChildProcessError(f"ended with status {self.process.wait()}")
        found: dict[str, Any] = json.loads(line)
        return found

    def build(self, case: str, row: Row) -> bool:
        """Whether there is something to time; otherwise the row has a note."""
        patience = RECORDERS_PATIENCE if self.contestant in RECORDERS else PATIENCE
        try:
            answer = self.ask("build", case, str(self.file), patience=patience)
        except queue.Empty:
            row.note = f"over {patience:.0f} s"
        except (ChildProcessError, BrokenPipeError) as error:
            row.note = f"ended: {error}"
        else:
            row.note, row.first = answer["note"], answer["first"]
            if answer["once"] is not None:
                self.once = float(answer["once"])
                return True
        self.end()
        return False

    def results(self) -> list[Any]:
        with np.load(self.file) as found:
            return [found[key] for key in found.files]

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def race(
    name: str,
    workload: Workload,
    cases: Sequence[str],
    effort: Effort,
    threads: str = "one",
    without: Sequence[str] = (),
) -> Iterator[tuple[str, Rows | DisagreementError]]:
    """Each case, with what was found or who disagreed; then nothing of it was timed."""
    chosen = [c for c in workload.contestants if c not in without and _takes_part(c, threads)]
    count = os.cpu_count() or 1
    cpus: queue.Queue[int] = queue.Queue()
    for cpu in range(count):
        cpus.put(cpu)
    workers: dict[str, Worker] = {}
    with tempfile.TemporaryDirectory(prefix="adcompile-race-") as folder:

        def start(contestant: str) -> None:
            """Its first case is built by several at a time, each on a CPU of its own, as compilers
            take long."""
            cpu = cpus.get()
            worker = workers[contestant] = Worker(name, contestant, folder, cpu, threads)
            if not _skipped(contestant, workload, cases[0], effort):
                worker.build(cases[0], first[contestant])
            if contestant == OURS and first[OURS].first is not None:
                again, row = Worker(name, OURS, folder, cpu, threads), Row()
                again.build(cases[0], row)
                first[OURS].warm = row.first
                again.end()
            cpus.put(cpu)

        first: Rows = {contestant: Row() for contestant in chosen}
        try:
            with ThreadPoolExecutor(count) as pool:  # those that take longest first
                list(pool.map(start, sorted(chosen, key=lambda c: c != "torch.compile")))
            workers = {contestant: workers[contestant] for contestant in chosen}
            for case in cases:
                rows = first if case == cases[0] else {contestant: Row() for contestant in chosen}
                found = _case(workload, case, workers, rows, effort, built=rows is first)
                if not isinstance(found, DisagreementError):
                    skipped = [one for one in without if one in workload.contestants]
                    found |= {one: Row(note="left out, to save time") for one in skipped}
                yield case, found
        finally:
            for worker in workers.values():
                worker.end()


def _takes_part(contestant: str, threads: str) -> bool:
    return (
        not contestant.endswith(SEQUENTIAL) if threads == "one" else contestant.startswith(THREADED)
    )


def _skipped(contestant: str, workload: Workload, case: str, effort: Effort) -> bool:
    return contestant in workload.slow and case not in workload.quick and not effort.slow


def _case(
    workload: Workload, case: str, workers: dict[str, Worker], rows: Rows, effort: Effort,
    built: bool,
) -> Rows | DisagreementError:  # fmt: skip
    there = {}
    for contestant, worker in workers.items():
        row = rows[contestant]
        if _skipped(contestant, workload, case, effort):
            row.note = "small case only"
        elif worker.process.poll() is not None:
            row.note = row.note or "see the first case"
        elif built or worker.build(case, row):
            there[contestant] = worker
        if not built:
            row.first = None  # what was compiled for the first case is there
    try:
        _agree(workload, case, there)
    except DisagreementError as error:
        return error
    _turns(there, rows, effort)
    return rows


def _agree(workload: Workload, case: str, workers: dict[str, Worker]) -> None:
    hands = [contestant for contestant in workers if contestant.startswith(BY_HAND)]
    if not hands:
        raise DisagreementError("no adjoint by hand to compare with")
    expected = workers[hands[0]].results()
    for contestant, worker in workers.items():
        check(contestant, worker.results(), expected, workload.tolerance(case))


def _turns(workers: dict[str, Worker], rows: Rows, effort: Effort) -> None:
    """In an order that changes: what one leaves in the caches another meets."""
    shuffle = np.random.default_rng(0)
    for turn in range(effort.turns):
        for contestant in shuffle.permutation(list(workers)):
            worker, row = workers[contestant], rows[contestant]
            if worker.once > effort.long:
                row.seconds[0] = worker.once
                continue
            slow = effort.turns * worker.once > effort.budget
            if slow and turn % (effort.turns // effort.few):
                continue
            repeat = max(1, round(SHORT / max(worker.once, 1e-7)))
            try:
                answer = worker.ask("time", str(repeat))
                if answer["found"] is None:
                    raise ChildProcessError(answer["note"])
                row.seconds[turn] = float(answer["found"])
            except (queue.Empty, ChildProcessError, BrokenPipeError) as error:
                row.seconds, row.note = {}, f"ended while it was timed: {error}"
                worker.end()
                del workers[contestant]
    for contestant, worker in workers.items():
        if worker.once < LONG:
            rows[contestant].tape = worker.ask("tape")["found"]
            rows[contestant].peak = worker.ask("peak")["found"]
