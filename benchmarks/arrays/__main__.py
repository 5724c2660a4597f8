"""python -m benchmarks.arrays [WORKLOAD ...] [--quick] [--memory] [--write]

Checks that all results agree, then times them in turns.  ``--quick``: the small cases only.
``--memory``: peak memory too, each contestant in a process of its own.  ``--write``: both, and the
tables go into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.arrays import report
from benchmarks.arrays.memory import peaks
from benchmarks.arrays.run import Rows, run
from benchmarks.arrays.workload import DisagreementError
from benchmarks.arrays.workloads import WORKLOADS


def measured(name: str, quick: bool, memory: bool) -> dict[str, Rows]:
    """Rows by case."""
    workload = WORKLOADS[name]
    found: dict[str, Rows] = {}
    for case in workload.quick if quick else workload.cases:
        found[case] = run(workload, case)
        print(report.table(f"{workload.title}, {case}", found[case]), flush=True)
    if memory:
        for contestant in workload.contestants:
            there = [case for case, rows in found.items() if rows[contestant].seconds]
            for case, peak in peaks(name, contestant, there).items():
                found[case][contestant].peak = peak
        for case, rows in found.items():
            print(report.table(f"{workload.title}, {case}", rows), flush=True)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.arrays")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join(WORKLOADS))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    names = options.workloads or list(WORKLOADS)
    if unknown := [name for name in names if name not in WORKLOADS]:
        parser.error(f"no workload {', '.join(unknown)}; there are {', '.join(WORKLOADS)}")
    wrong = False
    for name in names:
        try:
            found = measured(name, options.quick, options.memory or options.write)
        except DisagreementError as error:
            print(f"{name}: {error}", file=sys.stderr)
            wrong = True
        else:
            if options.write:
                report.write(name, WORKLOADS[name].title, found)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
