"""One case of one workload: build, compare the results, then time in turns."""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from adcompile.errors import AdcompileError
from benchmarks.arrays.workload import BY_HAND, OURS, SEQUENTIAL, Inputs, Workload, check
from benchmarks.measure import Call, Spread

TURNS = 15
FEW = 5  # turns of contestants that are too slow for more
BUDGET = 4.0  # seconds that a contestant may take in all before it gets fewer turns
SHORT = 0.01  # a call shorter than this is repeated
LONG = 0.3  # below this, an untimed call before lets caches and free memory settle


@dataclass
class Row:
    """``seconds``: by turn.  ``note``: why there are none.  ``peak``: bytes, if measured."""

    note: str = ""
    seconds: dict[int, float] = field(default_factory=dict)
    peak: int | None = None

    def median(self) -> float:
        return Spread.of(list(self.seconds.values())).median

    def ratio(self, over: Row) -> Spread | None:
        """Over another's, within the turns that both took part in."""
        turns = self.seconds.keys() & over.seconds.keys()
        return Spread.of([self.seconds[t] / over.seconds[t] for t in turns]) if turns else None


Rows = dict[str, Row]


def build(workload: Workload, name: str, inputs: Inputs) -> tuple[Call | None, object, str]:
    """``(call, its first result, note)``.  Without a call, the note says why."""
    try:
        call = workload.contestants[name](*inputs)
        return call, call(), ""
    except ImportError as error:
        return None, None, f"not installed ({error.name})"
    except AdcompileError as error:
        return None, None, f"refused: {_first_line(error)}"
    except Exception as error:  # what another compiler cannot do is a result, too
        if name.startswith(BY_HAND):
            raise
        return None, None, f"fails: {type(error).__name__}: {_first_line(error)}"


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:160] if lines else ""


def run(workload: Workload, case: str) -> Rows:
    """Raises ``DisagreementError`` before anything is timed."""
    inputs = workload.cases[case]()
    rows: Rows = {}
    calls: dict[str, Call] = {}
    expected: object = None
    # The hand-written ones first: the first of them is what the others are compared with.
    names = [name for name in workload.contestants if not name.endswith(SEQUENTIAL)]
    order = sorted(names, key=lambda name: not name.startswith(BY_HAND))
    for name in order:
        call, result, note = build(workload, name, inputs)
        rows[name] = Row(note)
        if call is None:
            continue
        if expected is None:
            expected = result
        check(name, result, expected, workload.rtol[inputs[0].dtype.name])
        calls[name] = call
        del result
    expected = None
    _time(calls, rows)
    return {name: rows[name] for name in names}


def _time(calls: Mapping[str, Call], rows: Rows) -> None:
    """CPU time of the process: others on the machine count less, and no thread is left out."""
    repeats: dict[str, int] = {}
    strides: dict[str, int] = {}
    once: dict[str, float] = {}
    for name, call in calls.items():
        once[name] = _seconds(call, 1)
        repeats[name] = max(1, round(SHORT / once[name]))
        slow = TURNS * once[name] > BUDGET and name != OURS and not name.startswith(BY_HAND)
        strides[name] = TURNS // FEW if slow else 1
    shuffle = np.random.default_rng(0)
    gc.collect()
    gc.disable()
    try:
        for turn in range(TURNS):
            # In an order of its own, as what one leaves in free memory another meets.
            for name in shuffle.permutation(list(calls)):
                if turn % strides[name]:
                    continue
                if once[name] < LONG:
                    calls[name]()
                rows[name].seconds[turn] = _seconds(calls[name], repeats[name])
            gc.collect()
    finally:
        gc.enable()


def _seconds(call: Call, repeat: int) -> float:
    start = time.process_time()
    for _ in range(repeat):
        call()
    return (time.process_time() - start) / repeat
