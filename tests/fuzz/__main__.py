"""python -m tests.fuzz [--seed 0] [--count 2000] [--compiled N] [--no-optimise] [--report] ..."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time

from . import coverage, planted
from .check import Target, check
from .program import generate
from .runner import Summary, run, smallest


def options() -> argparse.Namespace:
    p = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Random programs.")
    p.add_argument("--seed", default="0", help="a number; array0, array1... for whole arrays")
    p.add_argument("--start", type=int, default=0, help="number of the first program")
    p.add_argument("--count", type=int, default=2000)
    p.add_argument("--compiled", type=int, default=0, metavar="N", help="N more through Numba")
    p.add_argument("--no-optimise", action="store_true")
    p.add_argument("--report", action="store_true", help="print the table of nested constructs")
    p.add_argument("--planted", action="store_true", help="are the ten planted bugs found?")
    p.add_argument("--show", metavar="SEED:NUMBER", help="print one program and its outcome")
    p.add_argument("--shrink", type=int, default=3, metavar="K", help="shrink the first K failures")
    p.add_argument(
        "--shrink-refused", action="store_true", help="shrink refusals too, one a message"
    )
    p.add_argument("--seconds", type=float, default=60.0, help="for shrinking one failure")
    p.add_argument("-j", "--jobs", type=int, default=1)
    p.add_argument("--target", default="plain", choices=["plain", "differences", "broken"],
                   help="the last two are for developing the fuzzer")  # fmt: skip
    return p.parse_args()


def show_failures(total: Summary, target: Target, args: argparse.Namespace) -> None:
    for seed, outcome in total.failures[args.shrink :]:
        print(f"{seed}: {outcome.status}: {outcome.detail[:300]}")
    chosen = total.failures[: args.shrink]
    for seed, outcome in chosen:
        small, last = smallest(seed, outcome, target, args.seconds)
        print(f"\n--- {seed}: {last.status}: {last.detail}")
        print(f"    shrunk ({target.kind}, optimise={target.optimise}, argnums={small.argnums}):\n")
        print(small)
    if total.refusals:
        print("refused:")
        for text, n in total.refusals.most_common(20):
            print(f"  {n:5}  {text}")


def shrink_refused(seeds: list[str], target: Target, args: argparse.Namespace) -> None:
    seen: set[str] = set()
    for seed in seeds:
        outcome = check(generate(seed), target)
        first = outcome.detail.split("\n")[0]
        if outcome.status == "refused" and first not in seen:
            seen.add(first)
            small, last = smallest(seed, outcome, target, args.seconds)
            print(f"\n--- {seed}: {last.detail}\n\n{small}")


def main() -> int:
    args = options()
    optimise = not args.no_optimise
    if args.show:
        program = generate(args.show)
        print(program)
        print("argnums", program.argnums, check(program, Target(args.target, optimise)))
        return 0
    if args.planted:
        return planted.verify(min(args.count, 400), int(args.seed))
    began, bad = time.monotonic(), 0
    numbers = range(args.start, args.start + args.count)
    runs = [(Target(args.target, optimise), [f"{args.seed}:{k}" for k in numbers])]
    if args.compiled:
        compiled = Target("compiled", optimise)
        runs.append((compiled, [f"{args.seed}:{k}" for k in numbers[: args.compiled]]))
    for target, seeds in runs:
        total = run(seeds, target, args.jobs)
        print(f"{target.kind}, optimise={optimise}: {total} ({time.monotonic() - began:.0f} s)")
        show_failures(total, target, args)
        bad += len(total.failures)
        if args.shrink_refused and target.kind == "plain":
            shrink_refused(seeds, target, args)
        if args.report and target.kind != "compiled":
            print(coverage.table(total.pairs))
            few = coverage.rare(total.pairs, total.count)
            print("too rare:", ", ".join(f"{o} > {i} ({n})" for o, i, n in few) or "none")
    return 1 if bad else 0


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="adcompile-fuzz-cache-") as folder:
        os.environ.setdefault("ADCOMPILE_CACHE_DIR", folder)
        code = main()
    sys.exit(code)
