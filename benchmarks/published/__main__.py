"""Published functions and PolyBench kernels: right or refused, compile times, run times.

    python -m benchmarks.published [--results FILE] [--write] [NAME ...]

Results go to FILE (JSON), by function, and what is there is not measured again.  ``--write`` makes
the table of docs/published.md of them.  Functions whose package is not installed are left out; see
``python -m benchmarks.published.packages``.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import page
from benchmarks.published.functions import SUBJECTS
from benchmarks.published.measure import NAMES

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 240  # seconds of a process


def run(name: str, caches: Path, *wanted: str) -> dict[str, dict[str, Any]]:
    """What is measured one after the other in a new process."""
    environment = os.environ | {
        "NUMBA_CACHE_DIR": str(caches / "numba"),
        "ADCOMPILE_CACHE_DIR": str(caches / "adcompile"),
    }
    command = [sys.executable, "-m", "benchmarks.published.measure", name, *wanted]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT
        )
        text, why = done.stdout, (done.stderr.splitlines() or [""])[-1]
    except subprocess.TimeoutExpired as error:
        text, why = (error.stdout or b"").decode(), f"not done in {LIMIT} s"
    made = [json.loads(line) for line in text.splitlines() if line.startswith('{"what"')]
    found: dict[str, dict[str, Any]] = {one["what"]: one["found"] for one in made}
    for what in wanted:
        found.setdefault(what, {"failed": f"{what}: {why}"})
    return found


def measure(name: str, runtime: Path) -> dict[str, Any]:
    """``runtime``: a cache with the functions that generated code calls, compiled once for all."""
    with tempfile.TemporaryDirectory() as folder:
        caches = Path(folder, "caches")
        shutil.copytree(runtime, caches)
        found = run(name, caches, "cold", "check", "speed") | run(name, caches, "warm")
    line = found["speed"] | found["check"]
    for which in ("cold", "warm"):
        line |= {f"{which} {key}": value for key, value in found[which].items()}
    return line


def cell(line: dict[str, Any], which: str) -> str:
    primal, gradient = line.get(f"{which} primal"), line.get(f"{which} gradient")
    return f"{max(gradient, 0.0) / primal:.1f}" if primal and gradient else ""


def row(name: str, line: dict[str, Any]) -> list[str]:
    seconds = f"{line['cold gradient']:.2f}" if "cold gradient" in line else ""
    ratio = f"{line['run']:.1f}" if "run" in line else ""
    made = ", ".join(line.get("constructs", ()))
    verdict = line.get("verdict", line.get("failed", "")).replace("|", "/")
    return [name, made, verdict, seconds, cell(line, "cold"), cell(line, "warm"), ratio]


def medians(lines: dict[str, dict[str, Any]]) -> str:
    def median(texts: list[str]) -> str:
        known = [float(text) for text in texts if text]
        return f"{np.median(known):.1f}" if known else ""

    cold, warm = ([cell(line, which) for line in lines.values()] for which in ("cold", "warm"))
    return f"Median: {median(cold)} of a cold compile, {median(warm)} of a start from disk."


def main() -> None:
    p = argparse.ArgumentParser(prog="python -m benchmarks.published")
    p.add_argument("--results", type=Path, default=Path("published.json"))
    p.add_argument("--write", action="store_true")
    p.add_argument("names", nargs="*")
    args = p.parse_args()
    lines = json.loads(args.results.read_text()) if args.results.exists() else {}
    packages = {name: package for name, (package, _) in SUBJECTS.items()}
    with tempfile.TemporaryDirectory() as folder:
        runtime = Path(folder)
        for name in args.names or NAMES:
            if name in lines or (name in packages and not importlib.util.find_spec(packages[name])):
                continue
            if not (runtime / "numba").exists():
                for first in ("jacobi_1d", "cholesky"):
                    run(first, runtime, "cold")
                shutil.rmtree(runtime / "adcompile")
                for made in (runtime / "numba").glob("published_*"):
                    shutil.rmtree(made)  # the plain kernels, which are compiled again
            lines[name] = measure(name, runtime)
            args.results.write_text(json.dumps(lines, indent=1))
            print(" | ".join(row(name, lines[name])), flush=True)
    head = [
        "function", "constructs", "gradient", "cold, s", "cold / primal", "from disk / primal",
        "run / primal",
    ]  # fmt: skip
    ordered = {name: lines[name] for name in NAMES if name in lines}
    text = page.table(head, [row(*item) for item in ordered.items()]) + "\n\n" + medians(ordered)
    print(text)
    if args.write:
        page.write("published.md", "table", text)


if __name__ == "__main__":
    main()
