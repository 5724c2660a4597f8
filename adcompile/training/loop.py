"""Epochs, one after the other, and what is to be seen meanwhile."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TextIO

WIDTH = 24


@dataclass
class History:
    """What was measured, by name, an entry per epoch; ``seconds`` that each epoch took."""

    measured: dict[str, list[float]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    def last(self, name: str) -> float:
        return self.measured[name][-1]


def fit(
    epoch: Callable[[int], Mapping[str, float]],
    epochs: int,
    samples: int,
    stream: TextIO | None = None,
) -> History:
    """Call ``epoch(t)`` for t = 0, 1, ...; it returns what it measured: ``{"loss": ..., "accuracy":
    ..., "test accuracy": ...}``, the same names each time.

    A bar on ``stream`` (standard error) shows them, with ``samples`` per epoch over its time.
    Names that end in ``accuracy`` are shares, shown in percent.
    """
    stream = sys.stderr if stream is None else stream
    history = History()
    for t in range(epochs):
        start = time.perf_counter()
        measured = epoch(t)
        history.seconds.append(time.perf_counter() - start)
        if t and measured.keys() != history.measured.keys():
            raise ValueError(
                f"epoch {t} measured {list(measured)}, before it was {list(history.measured)}"
            )
        for name, value in measured.items():
            history.measured.setdefault(name, []).append(float(value))
        _show(stream, t + 1, epochs, measured, samples / max(history.seconds[-1], 1e-9))
    if epochs and stream.isatty():
        stream.write("\n")
    return history


def _show(
    stream: TextIO, done: int, epochs: int, measured: Mapping[str, float], throughput: float
) -> None:
    full = WIDTH * done // epochs
    parts = [f"[{'=' * full}{' ' * (WIDTH - full)}] {done:{len(str(epochs))}}/{epochs}"]
    for name, value in measured.items():
        shown = f"{100 * value:.1f} %" if name.endswith("accuracy") else f"{value:.4f}"
        parts.append(f"{name} {shown}")
    parts.append(f"{throughput:,.0f} samples/s")
    line = "  ".join(parts)
    stream.write(f"\r{line}" if stream.isatty() else f"{line}\n")
    stream.flush()
