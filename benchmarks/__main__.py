"""python -m benchmarks [WORKLOAD ...] [--full] [--write]

All workloads, every contestant in a process of its own; agreement is checked, then all are timed in
turns.  Contestants that are not installed are left out with a note.  Without ``--full`` the largest
cases are left out.  ``--write``: after each case JSON, tables and drawing go to docs/; cases that
were not run keep what they had.
"""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks import page, summary
from benchmarks.arrays.workload import DisagreementError
from benchmarks.race import race
from benchmarks.workloads import WORKLOADS

_LARGE = ("1e7 options",)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join(WORKLOADS))
    parser.add_argument("--full", action="store_true", help="the largest cases too")
    parser.add_argument("--quick", action="store_true", help="the smallest cases only")
    parser.add_argument("--write", action="store_true", help="tables, drawing and JSON into docs/")
    options = parser.parse_args()
    names = options.workloads or list(WORKLOADS)
    if unknown := [name for name in names if name not in WORKLOADS]:
        parser.error(f"no workload {', '.join(unknown)}; there are {', '.join(WORKLOADS)}")
    jobs = [
        (name, case)
        for name in names
        for case in (WORKLOADS[name].quick if options.quick else WORKLOADS[name].cases)
        if options.full or case not in _LARGE
    ]
    found: summary.Found = {}
    start, wrong = time.monotonic(), False
    for k, (name, case) in enumerate(jobs):
        bar = "#" * (20 * k // len(jobs))
        spent = time.monotonic() - start
        print(f"[{bar:20}] {spent:5.0f} s  {name}, {case}", file=sys.stderr, flush=True)
        try:
            rows = race(name, WORKLOADS[name], case)
        except DisagreementError as error:
            print(f"{name}, {case}: {error}", file=sys.stderr)
            wrong = True
            continue
        found[WORKLOADS[name].title, case] = rows
        print(f"**{WORKLOADS[name].title}, {case}**\n\n{summary.details(rows)}\n", flush=True)
        if options.write:
            _write(found)
    print(summary.overview(found))
    return int(wrong)


def _write(found: summary.Found) -> None:
    """With what earlier runs found of other cases, in the order of the workloads."""
    known = summary.load() | found
    order = [(w.title, case) for w in WORKLOADS.values() for case in w.cases]
    known = {key: known[key] for key in order if key in known}
    summary.save(known)
    (summary.DOCS / "benchmarks.svg").write_text(summary.drawing(known) + "\n")
    page.write("all_benchmarks.md", "overview", summary.overview(known))
    tables = [
        f"**{title}, {case}**\n\n{summary.details(rows)}\n" for (title, case), rows in known.items()
    ]
    page.write("all_benchmarks.md", "details", "\n".join(tables))


if __name__ == "__main__":
    sys.exit(main())
