"""Every jitted function of the packages, through the pipeline.

    python -m benchmarks.published.scan [--every 1] [--work FOLDER] [--write] [NAME ...]

For each package, each in processes of their own: which functions there are (``discover``), calls of
them that work (``calls``), what adcompile makes of these (``judge``).  NAMEs are those to import;
without, all that are installed.  ``--every 4`` judges each fourth function.  FOLDER keeps what was
found, and a second run goes on from there.  ``--write`` puts the figures into docs/published.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import page
from benchmarks.published.packages import PACKAGES

ROOT = Path(__file__).resolve().parents[2]
HOUR = 3600.0


def run(module: str, *args: object, jit: bool = True, out: Path | None = None) -> int:
    command = [sys.executable, "-m", f"benchmarks.published.{module}", *map(str, args)]
    environment = os.environ | {"NUMBA_DISABLE_JIT": "0" if jit else "1"}
    with out.open("w") if out else open(os.devnull, "w") as sink:
        try:
            return subprocess.run(
                command, cwd=ROOT, env=environment, stdout=sink, stderr=subprocess.DEVNULL,
                timeout=HOUR,
            ).returncode  # fmt: skip
        except subprocess.TimeoutExpired:
            return -1


@dataclass
class Totals:
    """``lines``: one per function that was judged."""

    packages: list[str] = field(default_factory=list)
    found: int = 0
    failed: int = 0
    lines: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, folder: Path, every: int) -> None:
        found, calls, verdicts = (folder / f"{name}.{end}" for end in ("found", "calls", "out"))
        if not found.exists() or not found.stat().st_size:
            run("discover", name, out=found)
        try:
            listing = json.loads(found.read_text())
        except json.JSONDecodeError:
            return
        if not listing["found"]:
            return
        if not calls.exists():
            run("calls", found, calls, jit=False)
        wanted = len(listing["found"][::every])
        done = len(verdicts.read_text().splitlines()) if verdicts.exists() else 0
        while done < wanted:
            code = run("judge", found, calls, verdicts, done * every, every)
            now = len(verdicts.read_text().splitlines()) if verdicts.exists() else 0
            if code and now < wanted:  # the process died at this function
                entry = listing["found"][::every][now]
                line = {"module": entry["module"], "path": entry["path"], "verdict": "crashed"}
                with verdicts.open("a") as out:
                    out.write(json.dumps({**line, "message": f"process ended with {code}"}) + "\n")
                now += 1
            done = max(now, done + 1)
        self.packages.append(name)
        self.found += len(listing["found"])
        self.failed += len(listing["failed"])
        self.lines += [json.loads(text) for text in verdicts.read_text().splitlines()]

    # ------------------------------------------------------------ figures

    def count(self, *starts: str) -> int:
        return sum(line["verdict"].startswith(starts) for line in self.lines)

    def figures(self) -> list[list[str]]:
        called = len(self.lines) - self.count("no call")
        scalar = [line for line in self.lines if line.get("scalar")]
        right = sum(line["verdict"].startswith("right") for line in scalar)
        rows = [
            ("packages", len(self.packages)),
            ("jitted functions in them", self.found),
            ("of these looked at", len(self.lines)),
            ("callable with made-up floats, and with floats as results", called),
            ("right", self.count("right")),
            ("of these by forward mode alone: no differences at the point",
             self.count("right by", "right, no")),
            ("refused at the user's line", self.count("refused")),
            ("wrong", self.count("wrong")),
            ("crashed", self.count("crashed")),
            ("not done in a minute of CPU time", self.count("time limit")),
        ]  # fmt: skip
        made = [[what, str(n)] for what, n in rows]
        made.append(["right, of those callable", f"{self.count('right') / max(called, 1):.1%}"])
        share = f"{right} of {len(scalar)} ({right / max(len(scalar), 1):.1%})"
        made.append(["right, of those that return one float themselves", share])
        return made

    def reasons(self) -> list[list[str]]:
        counted: Counter[str] = Counter()
        example: dict[str, str] = {}
        for line in self.lines:
            if not line["verdict"].startswith(("right", "no call")):
                message = line["message"] or line["verdict"]
                kind = "wrong" if line["verdict"].startswith("wrong") else line["verdict"]
                reason = f"{kind}: " + re.sub(r"'[^']*'", "'...'", message)[:120]
                counted[reason] += 1
                example.setdefault(reason, f"{line['module']}.{line['path']}")
        return [
            [reason.replace("|", "/"), str(n), example[reason]]
            for reason, n in counted.most_common()
        ]


def main() -> None:
    p = argparse.ArgumentParser(prog="python -m benchmarks.published.scan")
    p.add_argument("--every", type=int, default=1)
    p.add_argument("--work", type=Path)
    p.add_argument("--write", action="store_true")
    p.add_argument("names", nargs="*")
    args = p.parse_args()
    names = args.names or [n for n in PACKAGES.values() if importlib.util.find_spec(n)]
    totals = Totals()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.work or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            totals.add(name, folder.resolve(), args.every)
            print(f"{name:24} {len(totals.lines)} looked at", flush=True)
    figures = page.table(["", "functions"], totals.figures())
    reasons = page.table(["reason", "functions", "for example"], totals.reasons())
    print(figures, reasons, sep="\n\n")
    if args.write:
        page.write("published.md", "scan", figures + "\n\n" + reasons)


if __name__ == "__main__":
    main()
