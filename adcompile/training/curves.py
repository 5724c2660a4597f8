"""Learning curves as a picture (matplotlib, an extra: ``adcompile[examples]``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adcompile.training.loop import History


def plot(history: History, path: str | Path, title: str = "") -> None:
    """Losses on the left, on a logarithmic axis, accuracies on the right; the format is that of the
    file's suffix."""
    from matplotlib.figure import Figure  # without pyplot, which would want a display

    shares = [name for name in history.measured if name.endswith("accuracy")]
    others = [name for name in history.measured if name not in shares]
    panels = [names for names in (others, shares) if names]
    figure = Figure(figsize=(4.5 * max(len(panels), 1), 3.5), layout="constrained")
    for k, names in enumerate(panels):
        axes: Any = figure.add_subplot(1, len(panels), k + 1)
        for name in names:
            values = history.measured[name]
            axes.plot(range(1, len(values) + 1), values, label=name)
        if names is others and all(v > 0.0 for name in names for v in history.measured[name]):
            axes.set_yscale("log")
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle(title)
    figure.savefig(path, dpi=150)
