"""Random programs over lists and lists of lists, against differences of the plain function.

``python -m tests.list_random --seed 0 --count 100``: prints each program that is wrong, and counts.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from adcompile.errors import AdcompileError
from adcompile.testing import plain_value_and_grad
from tests import oracle
from tests.test_arrays import load

HEAD = ["l = [a, x[0], x[1] * a]", "k = [x[2], b]", "r = [[a, x[3]], [b]]", "s = a"]
END = "return s * l[0] + k[-1] * r[0][-1] + 0.1 * len(r)"


class Program:
    """A function of x (6 numbers), a and b, as lines.  ``rows``: names for rows of r."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.rows: list[str] = []
        lines = [*HEAD]
        for _ in range(self.random.randrange(5, 13)):
            lines += self.statement(0)
        self.lines = [*lines, END]

    def one(self, *choices: str) -> str:
        return self.random.choice(choices)

    def number(self) -> str:
        place = f"x[{self.random.randrange(6)}]"
        rows = [f"{name}[0]" for name in self.rows]
        value = self.one(place, "a", "s", "l[0]", "l[-1]", "k[0]", "r[0][0]", "r[-1][-1]", *rows)
        if self.random.random() < 0.5:
            return value
        return f"{value} {self.one('+', '-', '*')} {self.one('x[4]', 'a', 'b', 'l[-1]', 'k[-1]')}"

    def statement(self, depth: int) -> list[str]:
        name, new = self.one("l", "k"), self.number()
        row, change = f"r[{self.one('0', '-1', '1')}]", self.one("=", "+=", "*=")
        place, at = self.one("0", "-1"), self.one("", "0", "1", "-2")
        more = self.one("r[0]", f"[{new}, {self.number()}]", "l[:1]" if name == "k" else "k[:2]")
        kinds: list[Callable[[], list[str]]] = [
            lambda: [f"{name}.append({new})"],
            lambda: [f"{name}.insert({self.random.randrange(-3, 5)}, {new})"],
            lambda: [f"if len({name}) > 2:", f"    s += {name}.pop({at})"],
            lambda: [f"{self.one(name, 'r')}.reverse()"],
            lambda: [f"{name}[{place}] {change} {new}"],
            lambda: [f"s = s * 0.5 + {new} + 0.1 * sum({name})"],
            lambda: [f"{name}.extend({more})"],
            lambda: [f"r.append([{new}, {self.number()}])"],
            lambda: [f"{row}.append({new})"],
            lambda: [f"{row}[{place}] {change} {new}"],
            lambda: self.name_row(row, depth),
            lambda: self.change_row(new),
            lambda: ["r[0], r[-1] = r[-1], r[0]"],
            lambda: ["for row in r:", "    for v in row:", f"        s = s * 0.7 + v * {new}"],
            lambda: [f"for v in {name}:", f"    s = s * 0.7 + v * {self.one('a', 'b')}"],
            lambda: ["if len(r) > 2:", "    r.pop()"],
            lambda: [f"r[{place}] = [{new}]"],
            lambda: [f"r.insert({self.one('0', '1')}, [{new}])"],
            lambda: [f"r.append({self.one(f'{name}[:2]', *self.rows)})"],
            lambda: self.block(depth),
        ]
        return self.random.choice(kinds)()

    def name_row(self, row: str, depth: int) -> list[str]:
        name = self.one("p", "q")
        if name not in self.rows:
            if depth:
                return [f"s = s * 0.5 + {row}[0]"]
            self.rows.append(name)
        return [f"{name} = {row}"]

    def change_row(self, new: str) -> list[str]:
        name = self.one("r[0]", *self.rows)
        return [self.one(f"{name}.append({new})", f"{name}[0] = {new}", f"s += len({name})")]

    def block(self, depth: int) -> list[str]:
        if depth > 1:
            return ["s = np.tanh(s)"]
        inside = [s for _ in range(self.random.randrange(1, 4)) for s in self.statement(depth + 1)]
        head = self.one("for i in range(2):", "for i in range(len(k) % 3):", "if s > 0.1:")
        return [head, *(f"    {line}" for line in inside)]


def judge(func: Any, seed: int) -> str:
    """What becomes of a program: "right", how it is refused, or what is wrong."""
    rng = np.random.default_rng(seed)
    args = (rng.normal(size=6), 0.7, -0.4)
    try:
        expected = func(*oracle.copies(args))
    except IndexError:
        return "no program"
    try:
        for optimise in (True, False) if seed % 4 == 0 else (True,):
            found, grads = plain_value_and_grad(func, (0, 1, 2), optimise)(*oracle.copies(args))
            if abs(found - expected) > 1e-11 * max(1.0, abs(expected)):
                return f"WRONG: value {found!r}, not {expected!r}"
            direction = oracle.random_direction(args, (0, 1, 2), rng)
            estimate = oracle.directional(func, args, direction)
            slope = oracle.dot(grads, (0, 1, 2), direction)
            if estimate.reliable and not estimate.agrees(slope):
                return f"WRONG: derivative {slope!r}, not {estimate}"
    except AdcompileError as error:
        return f"refused: {error.message}"
    return "right"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    chosen = parser.parse_args()
    count: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(chosen.seed, chosen.seed + chosen.count):
            lines = Program(seed).lines
            path = Path(folder) / f"list_program_{seed}.py"
            body = "\n".join(f"    {line}" for line in lines)
            path.write_text(f"import numpy as np\n\n\ndef f(x, a, b):\n{body}\n")
            verdict = judge(load(path).f, seed)
            count[verdict.partition(" ")[0] if verdict.startswith("WRONG") else verdict] += 1
            if verdict.startswith("WRONG"):
                print(f"seed {seed}: {verdict}\n{body}", flush=True)
    print(", ".join(f"{n} {what}" for what, n in count.most_common()))
    return 1 if count["WRONG:"] else 0


if __name__ == "__main__":
    sys.exit(main())
