"""Gradients by NVIDIA Warp: launches are recorded and go back."""

from __future__ import annotations

from typing import Any

import numpy as np


def arrays(wp: Any, *given: Any) -> list[Any]:
    return [wp.array(x, dtype=wp.float64, requires_grad=True) for x in given]


def number(wp: Any, x: float) -> Any:
    return wp.array([x], dtype=wp.float64, requires_grad=True)


def taped(wp: Any, launches: Any, loss: Any, active: list[Any], written: list[Any]) -> Any:
    """``launches()`` computes ``loss``; ``written`` is what it makes besides."""

    def call() -> Any:
        for x in (loss, *active, *written):
            if x.grad is not None:
                x.grad.zero_()
        loss.zero_()
        tape = wp.Tape()
        with tape:
            launches()
        tape.backward(loss)
        return loss, [x.grad for x in active]

    def fetch(found: Any) -> Any:
        value, grads = found
        made = [np.array(g.numpy()) for g in grads]
        return float(value.numpy()[0]), tuple(g[0] if g.shape == (1,) else g for g in made)

    return call, fetch
