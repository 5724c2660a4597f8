"""python -m benchmarks [WORKLOAD ...] [--quick] [--full] [--threads all] [--write]

All workloads, every contestant in a process of its own; agreement is checked, then all are timed in
turns.  Contestants that are not installed are left out with a note.  ``--quick``: the smallest
cases only; ``--full``: the largest too, more turns, and contestants that take long in large cases.
``--threads all``: the contestants that can use several threads, in the largest of the usual cases.
``--write``: after each case JSON, tables and drawing go to docs/ and the README; cases that were
not run keep what they had.  If more than ``--minutes`` (17.5) seem to be needed, torch.compile is
left out of what remains, with a note.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time

from benchmarks import summary
from benchmarks.arrays.workload import DisagreementError, Workload
from benchmarks.race import FULL, Effort, race
from benchmarks.workloads import WORKLOADS

LEAST = 35.0  # seconds for a workload; with less torch.compile is left out
BROAD = ("gmm", "mlp", "black_scholes", "diffusion", "kepler", "n_body")  # for several threads


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join(WORKLOADS))
    parser.add_argument("--full", action="store_true", help="the largest cases too")
    parser.add_argument("--quick", action="store_true", help="the smallest cases only")
    parser.add_argument("--threads", choices=("one", "all", "both"), default="both")
    parser.add_argument("--minutes", type=float, default=17.5, help="all that it may take")
    parser.add_argument("--without", nargs="*", default=[], metavar="CONTESTANT")
    parser.add_argument("--write", action="store_true", help="tables, drawing and JSON into docs/")
    parser.add_argument("--show", action="store_true", help="write what the JSON has; run nothing")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):  # the contestants, not this process, keep to one CPU
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    if options.show:
        summary.write({})
        return 0
    names = options.workloads or list(WORKLOADS)
    if unknown := [name for name in names if name not in WORKLOADS]:
        parser.error(f"no workload {', '.join(unknown)}; there are {', '.join(WORKLOADS)}")
    jobs = [(name, t) for t in ("one", "all") for name in names if options.threads in (t, "both")]
    jobs = [(name, t) for name, t in jobs if t == "one" or name in BROAD]
    found: summary.Found = {}
    effort = FULL if options.full else Effort()
    start, wrong = time.monotonic(), False
    for k, (name, threads) in enumerate(jobs):
        bar = "#" * (20 * k // len(jobs))
        spent = time.monotonic() - start
        print(f"[{bar:20}] {spent:5.0f} s  {name}, {threads}", file=sys.stderr, flush=True)
        workload = WORKLOADS[name]
        cases = _cases(workload, options.quick, options.full, threads)
        without = list(options.without)
        share = (60 * options.minutes - spent) / (len(jobs) - k)
        if share < LEAST and not options.full:
            without.append("torch.compile")  # which takes longest to compile
        for case, rows in race(name, workload, cases, effort, threads, without):
            if isinstance(rows, DisagreementError):
                print(f"{name}, {case}: {rows}", file=sys.stderr)
                wrong = True
                continue
            found[workload.title, case, threads] = rows
            print(f"**{workload.title}, {case}**\n\n{summary.details(rows)}\n", flush=True)
            if options.write:
                summary.write(found)
    print(summary.overview(found))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime
    print(f"{time.monotonic() - start:.0f} s, {cpu:.0f} s of CPU time")
    return int(wrong)


def _cases(workload: Workload, quick: bool, full: bool, threads: str) -> list[str]:
    cases = [case for case in workload.cases if full or case not in workload.large]
    if quick:
        return [case for case in cases if case in workload.quick]
    return cases if threads == "one" else cases[-1:]


if __name__ == "__main__":
    sys.exit(main())
