"""Random programs with all kinds of exits: plain IR computes what Python computes."""

from __future__ import annotations

import linecache
import random

import numpy as np
import pytest

from adcompile.errors import UnsupportedError
from tests.callees import helper
from tests.ir_text import X, agree


class Writer:
    """Random functions of (x, a, b): all kinds of exits, nested, that always end."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.lines, self.counter = [], 0

    def cond(self):
        r = self.r
        simple = [
            "x[a % 5] > b",
            "a % 3 == 1",
            "b > 2",
            "0 < a - b < 4",
            "0 <= a < 5 and x[a] > 0",
            "not b",
            "(a if b > 1 else b) > 2",
            "b != 0 and a // b > 1",
            "helper(a, b % 3) > b or a > 3",
        ]
        return r.choice(simple)

    def expr(self):
        return self.r.choice(
            [
                "a + 1",
                "b - a",
                "(a * 3 + b) % 7",
                "int(x[b % 5]) + a",
                "a if a > b else b - 1",
                "step(a, b)",
                "max(a, b, 3) % 4",
                "a and b",
            ]
        )

    def emit(self, depth, text):
        self.lines.append("    " * depth + text)

    def block(self, depth, loops, size):
        for _ in range(self.r.randint(1, size)):
            if self.stmt(depth, loops, size):
                return

    def stmt(self, depth, loops, size):
        r, nest = self.r, depth < 5
        kind = r.choice(
            ["set", "set", "set", "swap", "store", "aug"]
            + ["if"] * 3 * nest
            + ["for", "while"] * (nest and loops < 3)
            + ["break", "continue"] * bool(loops)
            + ["return"] * (depth > 1 and r.random() < 0.4)
        )
        match kind:
            case "set":
                self.emit(depth, f"{r.choice('ab')} = ({self.expr()}) % 40")
            case "aug":
                self.emit(depth, f"{r.choice(['a', 'b', 'x[b % 5]'])} += {self.expr()}")
                self.emit(depth, "a %= 37")
                self.emit(depth, "b = b % 41 - 3")
            case "swap":
                self.emit(depth, "a, b = b, a")
            case "store":
                self.emit(depth, f"x[a % 5] = {self.expr()}")
            case "if":
                self.emit(depth, f"if {self.cond()}:")
                self.block(depth + 1, loops, size)
                if r.random() < 0.3:
                    self.emit(depth, f"elif {self.cond()}:")
                    self.block(depth + 1, loops, size)
                if r.random() < 0.5:
                    self.emit(depth, "else:")
                    self.block(depth + 1, loops, size)
            case "for" | "while":
                self.counter += 1
                k = f"k{self.counter}"
                if kind == "for":
                    k = r.choice([k, "i"])
                    bounds = r.choice(["3", "a % 4", "b % 3, 5", "4, a % 3, -1"])
                    self.emit(depth, f"for {k} in range({bounds}):")
                    if r.random() < 0.5:
                        self.emit(depth + 1, f"b = b + {k}")
                else:
                    self.emit(depth, f"{k} = 0")
                    self.emit(depth, f"while {k} < 4 and ({self.cond()}):")
                    self.emit(depth + 1, f"{k} += 1")
                self.block(depth + 1, loops + 1, size)
                if r.random() < 0.4:
                    self.emit(depth, "else:")
                    self.block(depth + 1, loops, size)
            case "return":
                self.emit(depth, f"return {self.expr()}")
            case _:
                self.emit(depth, kind)
        return kind in ("break", "continue", "return")


def step(a, b):
    a = a % 40
    b = b % 7
    while a > b:
        a -= 3
        if a == 2:
            return b
    return a % 5


def random_source(seed):
    writer = Writer(seed)
    writer.block(1, 0, 4)
    tail = writer.r.choice(["return a * 100 + b", "return a"])
    body = "\n".join(writer.lines)
    return f"def f(x, a, b):\n    i = 0\n{body}\n    b = b + i\n    {tail}\n"


@pytest.mark.parametrize("group", range(10))
def test_random_programs(group, tmp_path):
    for seed in range(group * 40, group * 40 + 40):
        source = random_source(seed)
        file = str(tmp_path / f"random_{seed}.py")
        space = {"step": step, "helper": helper, "np": np}
        with open(file, "w") as out:
            out.write(source)
        linecache.checkcache(file)
        exec(compile(source, file, "exec"), space)
        calls = [(X[:5] * s, a, b) for s in (1.0, -2.0) for a in (-1, 0, 1, 4) for b in (0, 1, 3)]
        try:
            agree(space["f"], *calls)
        except (AssertionError, UnsupportedError) as error:
            raise AssertionError(f"seed {seed}\n{source}") from error
