"""Random nests of loops that overwrite elements which others read: what is read again in reverse,
must be there still.

    python -m tests.nest_random [--seed 0] [--count 2000]

Values are compared with the program itself, derivatives with a complex step, which is exact.
"""

from __future__ import annotations

import argparse
import linecache
import random
import sys
from typing import Any

import numpy as np

from adcompile.errors import AdcompileError
from adcompile.testing import plain_value_and_grad

SIZE = 5
STEP = 1e-30


class Maker:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.rank = rng.choice([1, 1, 2])
        self.lines: list[str] = ["    s = 0.1 * a.flat[0]"]

    def program(self) -> str:
        for _ in range(self.rng.randint(1, 2)):
            self.loop([], 1)
        body = "\n".join(self.lines)
        weights = "np.sin(0.7 + np.arange(a.size)).reshape(a.shape)"
        return f"def f(a, n):\n{body}\n    return np.sum(a * {weights}) + s\n"

    def emit(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def loop(self, names: list[str], depth: int) -> None:
        rng = self.rng
        name = "ijkl"[len(names)]
        ends = ["n", "n", "n - 1", "n - 2", "3"] + [f"{v} + 1" for v in names] + names * 3
        starts = ["0", "0", "1", "2"] + [f"{v} + 1" for v in names] + names
        text = rng.choice(
            [f"{rng.choice(ends)}", f"{rng.choice(starts)}, {rng.choice(ends)}"] * 2
            + [
                f"{rng.choice(ends)} - 1, {rng.choice(['-1', '0', *names])}, -1",
                f"{rng.choice(starts)}, {rng.choice(ends)}, 2",
            ]
        )
        self.emit(depth, f"for {name} in range({text}):")
        inner = [*names, name]
        for _ in range(rng.randint(1, 3)):
            if len(inner) < 3 and rng.random() < 0.45:
                self.loop(inner, depth + 1)
            elif rng.random() < 0.15:
                self.emit(depth + 1, f"if {self.place(inner)} > 0.4:")
                self.statement(inner, depth + 2)
            else:
                self.statement(inner, depth + 1)

    def index(self, names: list[str]) -> str:
        rng = self.rng
        v = rng.choice(names)
        kinds = [v] * 6 + [f"{v} + 1", f"{v} - 1", f"n - 1 - {v}", "0", "n - 1", "2", f"{v} // 2"]
        if len(names) > 1:
            kinds += [f"{v} - {rng.choice(names)}", f"{v} + {rng.choice(names)}"]
        return rng.choice(kinds)

    def place(self, names: list[str]) -> str:
        return f"a[{', '.join(self.index(names) for _ in range(self.rank))}]"

    def statement(self, names: list[str], depth: int) -> None:
        rng = self.rng
        target, one, two = (self.place(names) for _ in range(3))
        self.emit(
            depth,
            rng.choice(
                [
                    f"{target} -= 0.3 * {one} * {two}",
                    f"{target} = np.sin({one}) + 0.4 * {two}",
                    f"{target} = np.cos({one} * {two})",
                    f"{target} /= 1.5 + {one} * {one}",
                    f"{target} *= np.cos({one})",
                    f"s = 0.5 * s + {one} * {two}",
                    f"t = {one} * {two}\n{'    ' * depth}{target} = t\n{'    ' * depth}s += t * t",
                ]
            ),
        )


def check(seed: str) -> str:
    """What became of a program: "ok", or why not."""
    rng = random.Random(seed)
    maker = Maker(rng)
    text, name = maker.program(), f"<nest {seed}>"
    space: dict[str, Any] = {"np": np}
    exec(compile(text, name, "exec"), space)
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    f = space["f"]
    a = np.random.default_rng(rng.randrange(2**32)).uniform(-0.9, 0.9, (SIZE,) * maker.rank)
    try:
        value = f(a.copy(), SIZE)
    except IndexError:
        return "outside"
    if not np.isfinite(value):
        return "outside"
    expected = np.empty(a.size)
    for k in range(a.size):
        moved = a.astype(complex)
        moved.flat[k] += STEP * 1j
        expected[k] = f(moved, SIZE).imag / STEP
    for optimise in (True, False):
        try:
            found, (slopes,) = plain_value_and_grad(f, (0,), optimise)(a.copy(), SIZE)
        except AdcompileError as error:
            return f"refused: {error.message}"
        if abs(found - value) > 1e-12 * max(1.0, abs(value)):
            return f"value {found}, not {value}\n{text}"
        if np.abs(slopes.ravel() - expected).max() > 1e-9 * max(1.0, np.abs(expected).max()):
            return f"derivative, optimise={optimise}\n{text}"
    return "ok"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.nest_random")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--count", type=int, default=2000)
    options = parser.parse_args()
    wrong = 0
    counts: dict[str, int] = {}
    for number in range(options.count):
        found = check(f"{options.seed}:{number}")
        head = found.split("\n")[0].split(":")[0].split(",")[0].split(" ")[0]
        counts[head] = counts.get(head, 0) + 1
        if head in ("value", "derivative"):
            wrong += 1
            print(number, found)
        elif head == "refused":
            print(number, found)
    print(counts)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
