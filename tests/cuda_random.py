"""``python -m tests.cuda_random [--seed 0] [--count 200] [--show K]``: random loops over items.

What is not refused must have the CPU's gradient, and no races (cuda_races.py).
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

N = 9
FUNCTIONS = ("math.sin", "math.cos", "math.tanh", "np.arctan", "0.5 * ")


class Writer:
    """Writes one program.  Variables in reach are named ``names``, subscripts ``places``."""

    def __init__(self, seed: str) -> None:
        self.r = random.Random(seed)
        self.lines: list[str] = []
        self.arrays = ["x", "y"]

    def say(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def place(self, var: str, shifted: bool) -> str:
        kinds = [var] * 6 + [f"k[{var}]", f"{N - 1} - {var}", "0", "3", f"k[{var}] % 4"]
        kinds += [f"{var} - 1", f"{var} + 1"] * 2 if shifted else []
        return self.r.choice(kinds)

    def load(self, var: str, shifted: bool) -> str:
        if self.r.random() < 0.2:
            return f"m[({self.place(var, shifted)}) % 4, {self.place(var, shifted)}]"
        return f"{self.r.choice(self.arrays)}[{self.place(var, shifted)}]"

    def expr(self, names: list[str], var: str, shifted: bool, depth: int = 2) -> str:
        r = self.r
        if depth == 0 or r.random() < 0.15:
            return r.choice([*names, "a", self.load(var, shifted), self.load(var, shifted)])
        a, b = (self.expr(names, var, shifted, depth - 1) for _ in range(2))
        if r.random() < 0.4:
            return f"{r.choice(FUNCTIONS)}({a})"
        return f"({a} {r.choice('+-*')} {b})"

    def cond(self, names: list[str], var: str, shifted: bool) -> str:
        if self.r.random() < 0.3:
            return f"{var} % 3 {self.r.choice(['==', '!='])} {self.r.randrange(3)}"
        return f"{self.expr(names, var, shifted, 1)} {self.r.choice('<>')} 0.1"

    def statements(self, depth: int, names: list[str], var: str, shifted: bool, more: int) -> None:
        r = self.r
        for _ in range(r.randint(1, 4)):
            value = self.expr(names, var, shifted)
            match r.randrange(11 if more else 6):
                case 0 | 1:
                    name = r.choice(["t", "u", "v"])
                    self.say(depth, f"{name} = {value}")
                    names = [*names, name] if name not in names else names
                case 2:
                    self.say(depth, f"s += {value}")
                case 3:
                    array = r.choice(self.arrays)
                    self.say(depth, f"{array}[{var}] = 0.5 * math.tanh({value})")
                case 4:
                    array = r.choice(self.arrays)
                    self.say(
                        depth, f"{array}[{self.place(var, shifted)}] += 0.1 * math.sin({value})"
                    )
                case 5:
                    self.say(depth, f"m[{var} % 4, {var}] -= 0.1 * {value}")
                case 6 | 7:
                    self.say(depth, f"if {self.cond(names, var, shifted)}:")
                    self.statements(depth + 1, names, var, shifted, more - 1)
                    if r.random() < 0.5:
                        self.say(depth, "else:")
                        self.statements(depth + 1, names, var, shifted, more - 1)
                case 8 | 9:
                    self.say(depth, f"w = {value}")
                    self.say(depth, f"for q in range({r.choice(['3', 'x.size - 6', 'n'])}):")
                    self.say(depth + 1, f"w = {self.expr([*names, 'w'], var, shifted)}")
                    if r.random() < 0.3:
                        self.say(depth + 1, f"if {self.cond([*names, 'w'], var, shifted)}:")
                        self.say(depth + 2, "break")
                    names = [*names, "w"]
                case _:
                    self.say(depth, "c = np.zeros(3)")
                    self.say(depth, "for q in range(3):")
                    self.say(depth + 1, f"c[q] = math.sin({value} + q)")
                    self.say(depth, "t = c[0] * c[2] - c[1]")
                    names = [*names, "t"] if "t" not in names else names

    def loop(self, depth: int, more: int) -> None:
        r = self.r
        shifted = r.random() < 0.4
        bounds = "1, x.size - 1" if shifted else r.choice(["x.size", str(N), "len(y)"])
        if not shifted and r.random() < 0.15:
            bounds = f"{N - 1}, -1, -1"
        if r.random() < 0.2:
            self.say(depth, f"for h in range({r.choice(['4', 'n'])}):")
            depth += 1
        self.say(depth, f"for i in range({bounds}):")
        self.statements(depth + 1, [], "i", shifted, more)

    def program(self) -> str:
        r = self.r
        self.say(0, "def f(x, y, m, k, a, n):")
        self.say(1, "s = 0.1 * a")
        if r.random() < 0.5:
            self.say(1, f"z = {r.choice(['np.zeros(x.size)', 'np.zeros_like(y)', 'x * y + a'])}")
            self.arrays.append("z")
        for _ in range(r.randint(1, 3)):
            if r.random() < 0.2:
                self.say(1, f"for g in range({r.choice(['2', 'n'])}):")
                self.loop(2, 2)
            else:
                self.loop(1, 2)
            if r.random() < 0.3:
                self.say(1, r.choice(["s = math.tanh(s)", "s *= a", "x = 0.5 * np.sin(x)"]))
        self.say(1, "for i in range(x.size):")
        self.say(2, "s += (1.0 + 0.1 * i) * x[i] * y[i] + 0.3 * m[i % 4, i]")
        self.say(1, f"return {r.choice(['s', 's * s', 's + np.sum(y * y)'])}")
        return "\n".join(["import math", "", "import numpy as np", "", "", *self.lines, ""])


def arguments(seed: int = 0) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    x, y, m = rng.normal(size=N), rng.normal(size=N), rng.normal(size=(4, N))
    return x, y, m, rng.permutation(N), 0.7, 3


def load(text: str, folder: Path, name: str) -> Any:
    path = folder / f"{name}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.f


def check(f: Any, optimise: bool) -> str:
    """ "" if the gradients agree, why it is refused, or an AssertionError."""
    from adcompile import AdcompileError, value_and_grad
    from adcompile.testing import plain_value_and_grad
    from tests.cuda_races import watched

    argnums = (0, 1, 2, 4)
    args = arguments()
    try:
        value, grads = plain_value_and_grad(f, argnums)(*(np.copy(a)[()] for a in args))
    except AdcompileError as refused:
        return "on the CPU too: " + str(refused).split("\n")[0]
    derivative = value_and_grad(f, argnums, target="cuda", optimise=optimise, cache=False)
    given = tuple(np.copy(a)[()] for a in args)
    try:
        with watched():
            found, others = derivative(*given)
    except AdcompileError as refused:
        assert refused.loc is not None, str(refused)
        return str(refused).split("\n")[0]
    for before, after in zip(args, given):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_allclose(found, value, rtol=1e-11, atol=1e-12)
    for ours, theirs in zip(others, grads):
        size = float(np.max(np.abs(theirs)))
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-11 * max(1.0, size))
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--show", type=int)
    args = parser.parse_args()
    os.environ["NUMBA_ENABLE_CUDASIM"] = "1"
    if args.show is not None:
        print(Writer(f"{args.seed}:{args.show}").program())
        return 0
    refused: dict[str, int] = {}
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for k in range(args.count):
            f = load(Writer(f"{args.seed}:{k}").program(), Path(folder), f"program_{k}")
            try:
                why = check(f, k % 4 != 3)
            except Exception as error:
                failures += 1
                print(f"{args.seed}:{k}: {type(error).__name__}: {str(error)[:300]}", flush=True)
                continue
            refused[why] = refused.get(why, 0) + 1
    for why, times in sorted(refused.items(), key=lambda pair: -pair[1])[:25]:
        print(f"{times:5}  {why or 'agree'}")
    return failures


if __name__ == "__main__":
    sys.exit(main())
