"""Gradients on a GPU, beside an adjoint by hand and the bandwidth of a copy.

    python -m benchmarks.gpu [WORKLOAD ...] [--small] [--results gpu.json] [--write]

Every contestant is a process of its own.  Its value and its gradients are compared with those by
hand (all numbers up to 100,000 of an array, so many at even distances of longer ones) before it is
timed: medians of 15 calls that are waited for, and the middle 90 %.  Absent packages are left out.
"copied" is what a copy of 1 GiB on the device reads and writes in a second.  ``--small`` runs tiny
sizes in one process, in the simulator too (NUMBA_ENABLE_CUDASIM=1).  ``--write`` puts the tables
into docs/gpu.md and the samples into docs/gpu.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

LIMIT = 900  # seconds of a contestant
ROOT = Path(__file__).resolve().parents[2]
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # before JAX is imported


def main(given: list[str] | None = None) -> int:
    from benchmarks.gpu import report, run

    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.gpu")
    parser.add_argument("names", nargs="*", metavar="WORKLOAD", help=", ".join(run.WORKLOADS))
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--results", type=Path, default=Path("gpu.json"))
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)  # workload, contestant
    parser.add_argument("--reference", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args(given)
    if args.write and args.small:
        parser.error("times of tiny sizes are no figures")
    if args.one:
        print(json.dumps(run.one(args.one[0], args.one[1], args.small, args.reference)))
        return 0
    found: dict[str, Any] = {**run.machine(), "copied": run.copied(args.small), "rows": {}}
    print(f"{found['device']}: copied {found['copied'] / 1e9:.0f} GB/s", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in args.names or run.WORKLOADS:
            workload = run.workload(name)
            rows = found["rows"][name] = {}
            reference = Path(folder, f"{name}.npz")
            for who in workload.contestants:
                if args.small:
                    rows[who] = run.one(name, who, True, reference)
                else:
                    rows[who] = _apart(name, who, reference)
                print(f"{workload.title}: {who}: {report.short(rows[who])}", flush=True)
                args.results.write_text(json.dumps(found, indent=1) + "\n")
            rows.update({who: {"note": why} for who, why in (workload.missing or {}).items()})
    args.results.write_text(json.dumps(found, indent=1) + "\n")
    text = report.tables(found)
    args.results.with_suffix(".md").write_text(text + "\n")
    print(text)
    if args.write:
        report.write(found)
    failed = [f"{n}: {w}" for n, rows in found["rows"].items() for w in rows if "failed" in rows[w]]
    print("\n".join(["", *(f"failed: {one}" for one in failed)]) if failed else "")
    return len(failed)


def _apart(name: str, who: str, reference: Path) -> dict[str, Any]:
    """In a process of its own, which leaves the device's memory as it was."""
    command = [sys.executable, "-m", "benchmarks.gpu", "--one", name, who]
    command += ["--reference", str(reference)]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return {"failed": f"not done in {LIMIT} s"}
    for line in reversed(done.stdout.splitlines()):
        if line.startswith("{"):
            return dict(json.loads(line))
    return {"failed": (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]}


if __name__ == "__main__":
    sys.exit(main())
