"""A pipeline written by hand, and processes that use it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import types as pytypes
from pathlib import Path

import numpy as np
from numba import types

import adcompile
from adcompile.backends.store import Generated
from adcompile.fingerprint import fingerprint

HERE = Path(__file__).resolve().parent
CALLS: list[object] = []

# Derivatives of weighted(x, k) = k * sum(x**2) / w[0], w captured.
MODULE = """
import numpy as np
from numba import njit

@njit({options})
def grad_{h}(x, k):
    g = np.empty_like(x)
    for i in range(x.shape[0]):
        g[i] = 2.0 * k * x[i] / weights[0]
    return {grad}

@njit({options})
def value_and_grad_{h}(x, k):
    s = 0.0
    for i in range(x.shape[0]):
        s += x[i] * x[i]
    return k * s / weights[0], grad_{h}(x, k)

@njit({options})
def forward_{h}(x, k):
    s = 0.0
    for i in range(x.shape[0]):
        s += x[i] * x[i]
    return k * s / weights[0], (x.copy(), k)

@njit({options})
def pullback_{h}(residuals, ct):
    x, k = residuals
    return ct * 2.0 * k * x / weights[0], ct * np.sum(x * x) / weights[0]
"""


def stub() -> pytypes.ModuleType:
    module = pytypes.ModuleType("adcompile.pipeline")

    def generate(func, argtypes, argnums, has_aux, options):
        CALLS.append((func, argtypes, tuple(argnums), options))
        if not isinstance(argtypes[0], types.Array):
            raise adcompile.UnsupportedError("x must be an array")
        h = fingerprint(func, argtypes, argnums, has_aux, options)[:12]
        keywords = ", ".join(f"{k}={v!r}" for k, v in options.decorator().items())
        text = MODULE.format(h=h, options=keywords, grad="g" if argnums.single else "(g,)")
        entries = {k: f"{k}_{h}" for k in ("grad", "value_and_grad", "forward", "pullback")}
        weights = {"weights": np.full(3, 1.0)}
        return Generated("weighted", text, entries, "FORWARD", "ADJOINT", None, "WHY", weights)

    module.generate = generate
    return module


def install(monkeypatch, tmp_path):
    """The stub in place of the pipeline, and a cache of its own, for one test."""
    CALLS.clear()
    monkeypatch.setitem(sys.modules, "adcompile.pipeline", stub())
    monkeypatch.setattr(adcompile, "pipeline", sys.modules["adcompile.pipeline"], raising=False)
    monkeypatch.setenv("ADCOMPILE_CACHE_DIR", str(tmp_path / "cache"))


def weighted(x, k=2.0):
    """Weighted squares."""
    s = 0.0
    for i in range(x.shape[0]):
        s += x[i] * x[i]
    return k * s


X = np.array([1.0, 2.0, 3.0])


def python(code: str, **env: str) -> str:
    text = (
        f"import sys; sys.path[:0] = [{str(HERE.parent)!r}]\n"
        "from adcompile import grad\nfrom tests import backend_stub as t\n"
        "sys.modules['adcompile.pipeline'] = t.stub()\n" + textwrap.dedent(code)
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", text],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


RUN = """
loss = grad(t.weighted)
assert (loss(t.X) == 4 * t.X).all()
loss.derivation.latest
# What is read from disk has no metadata of its compilation.
print(len(t.CALLS), sum(found.metadata is None for found in loss.overloads.values()))
"""
