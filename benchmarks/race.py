"""The contestants of one case, each in its own process, timed in turns."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.arrays.workload import BY_HAND, OURS, TAPE, Workload, check
from benchmarks.measure import Spread

TURNS, FEW = 15, 5
BUDGET = 4.0  # seconds in all before a contestant gets fewer turns
SHORT = 0.01  # a call shorter than this is repeated
PATIENCE = 300.0  # seconds for a first call, compilers included
TAPE_PATIENCE = 20.0  # an engine that compiles nothing must be done by then


@dataclass
class Row:
    """``seconds`` of a call, by turn; ``first``: of the first call, with an empty cache; ``warm``:
    with a full one; ``peak`` bytes; ``note``: why there is nothing."""

    note: str = ""
    seconds: dict[int, float] = field(default_factory=dict)
    first: float | None = None
    warm: float | None = None
    peak: int | None = None

    def median(self) -> float:
        return Spread.of(list(self.seconds.values())).median

    def over(self, other: Row) -> Spread:
        turns = self.seconds.keys() & other.seconds.keys()
        return Spread.of([self.seconds[t] / other.seconds[t] for t in turns])


Rows = dict[str, Row]


class Worker:
    """A process that answers; it is killed when it does not."""

    def __init__(self, name: str, case: str, contestant: str, folder: str) -> None:
        self.file = Path(folder) / f"{abs(hash(contestant))}.npz"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", name, case, contestant, str(self.file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "ADCOMPILE_CACHE_DIR": folder},
        )
        self.answers: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("@"):
                self.answers.put(line[1:])
        self.answers.put(None)

    def answer(self, seconds: float) -> dict[str, Any]:
        """Raises ``queue.Empty`` if there is none in time."""
        line = self.answers.get(timeout=seconds)
        if line is None:
            raise ChildProcessError(f"ended with status {self.process.wait()}")
        found: dict[str, Any] = json.loads(line)
        return found

    def ask(self, command: str) -> float:
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return float(self.answer(PATIENCE)["found"])

    def results(self) -> list[Any]:
        with np.load(self.file) as found:
            return [found[key] for key in found.files]

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def race(name: str, workload: Workload, case: str) -> Rows:
    """Raises ``DisagreementError`` before anything is timed."""
    rows: Rows = {contestant: Row() for contestant in workload.contestants}
    workers: dict[str, Worker] = {}
    once: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="adcompile-race-") as folder:
        try:
            for contestant in rows:
                worker = Worker(name, case, contestant, folder)
                seconds = _start(worker, contestant, rows[contestant])
                if seconds is None:
                    worker.end()
                else:
                    workers[contestant], once[contestant] = worker, seconds
            _agree(workload, case, workers)
            if OURS in workers:
                again = Worker(name, case, OURS, folder)
                rows[OURS].warm = again.answer(PATIENCE)["first"]
                again.end()
            _turns(workers, once, rows)
        finally:
            for worker in workers.values():
                worker.end()
    return rows


def _start(worker: Worker, contestant: str, row: Row) -> float | None:
    """Seconds of a call; None, and a note, if there is none."""
    patience = TAPE_PATIENCE if contestant == TAPE else PATIENCE
    try:
        answer = worker.answer(patience)
    except queue.Empty:
        row.note = f"over {patience:.0f} s"
        return None
    except ChildProcessError as error:
        row.note = str(error)
        return None
    row.note, row.first = answer["note"], answer["first"]
    return answer["once"] if answer["once"] is None else float(answer["once"])


def _agree(workload: Workload, case: str, workers: dict[str, Worker]) -> None:
    hands = [contestant for contestant in workers if contestant.startswith(BY_HAND)]
    expected = workers[hands[0]].results()
    rtol = workload.rtol.get(case, workload.rtol["float64"])
    for contestant, worker in workers.items():
        check(contestant, worker.results(), expected, rtol)


def _turns(workers: dict[str, Worker], once: dict[str, float], rows: Rows) -> None:
    """CPU time, in an order that changes: what one leaves in the caches another meets."""
    shuffle = np.random.default_rng(0)
    for turn in range(TURNS):
        for contestant in shuffle.permutation(list(workers)):
            slow = TURNS * once[contestant] > BUDGET
            if slow and turn % (TURNS // FEW):
                continue
            repeat = max(1, round(SHORT / max(once[contestant], 1e-7)))
            rows[contestant].seconds[turn] = workers[contestant].ask(f"time {repeat}")
    for contestant, worker in workers.items():
        rows[contestant].peak = int(worker.ask("peak"))
