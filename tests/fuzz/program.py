"""A whole random program, and argument values for it."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from . import arrays
from .control import Control
from .scope import Helper, Var, Where
from .tree import Function, Line, Program, Stmt

ROWS, COLS = 3, 4


def generate(seed: str) -> Program:
    """The program of a seed; the same seed always makes the same program.  Seeds that begin with
    "array" make programs over whole arrays."""
    if seed.startswith("array"):
        return arrays.generate(seed)
    rng = random.Random(seed)
    helpers: list[Helper] = []
    functions: list[Function] = []
    for k in range(rng.choice([0, 1, 1, 2, 2, 3])):
        f, h = helper(rng, f"h{k + 1}", helpers)
        functions.append(f)
        helpers.append(h)
    main, matrix = main_function(rng, helpers)
    floats = [0, 1, 2, 5] if matrix else [0, 1, 2]
    if rng.random() < 0.3:
        floats = sorted(rng.sample(floats, rng.randint(1, len(floats) - 1)))
    return Program(functions, main, tuple(floats), seed)


def helper(rng: random.Random, name: str, helpers: list[Helper]) -> tuple[Function, Helper]:
    shape = rng.choice(["scalar", "scalar", "read", "write", "write", "write", "t", "a"])
    writes = shape in ("write", "a")
    params = [Var("b", "f")]
    returns = {"t": "t", "a": "a", "write": rng.choice(["f", "none"])}.get(shape, "f")
    if shape == "scalar":
        params += [Var("c", "f")][: rng.randint(0, 1)]
    else:
        params = [Var("q", "a", 3, exact=False, write=writes), *params]
        if shape != "a" and rng.random() < 0.7:
            params.insert(1, Var("r", "a", 3, exact=False, write=writes))
    if rng.random() < 0.4:
        params.insert(len(params) - 1, Var("j", "i", lo=0, hi=7))
    defaults = 1 if rng.random() < 0.3 else 0
    gen = Control(rng, helpers, returns)
    gen.weights["for"] *= 0.6
    gen.weights["while"] *= 0.6
    for p in params:
        gen.scope.add(p)
    before: list[Stmt] = []
    if returns == "a":
        gen.scope.add(Var("out", "a", 5))
        before.append(gen.line("alloc", "out = np.zeros(5)"))
        before.append(gen.line("slice-copy", "out[:3] = q[:3]"))
    gen.budget = rng.randint(1, 6)
    body = gen.block_here(Where(depth=2, work=12), gen.budget)
    last = [] if returns == "none" else [gen.result()]
    names = [p.name for p in params]
    if defaults:
        names[-1] += "=0.4"
    text = ", ".join(names)
    made = Helper(name, tuple(params), writes, returns, defaults)
    return Function(name, text, before + body + last), made


def main_function(rng: random.Random, helpers: list[Helper]) -> tuple[Function, bool]:
    gen = Control(rng, helpers)
    matrix = rng.random() < 0.45
    params = [
        Var("x", "a", 6), Var("y", "a", 6), Var("a", "f"),
        Var("n", "i", lo=0, hi=4), Var("p", "p", 5, lo=0, hi=5),
    ]  # fmt: skip
    if matrix:
        params.append(Var("m", "m", ROWS, COLS))
    for v in params:
        gen.scope.add(v)
    body = [gen.line("assign", "s = {0}", gen.value(1))]
    gen.scope.add(Var("s", "f"))
    gen.budget = rng.randint(6, 32)
    while gen.budget > 0:
        gen.budget -= 1
        body += gen.block_here(Where(), 1)
    body += summary(gen)
    names = ", ".join(v.name for v in params)
    return Function("f", names, body), matrix


def summary(gen: Control) -> list[Stmt]:
    """A result that depends on what the program computed."""
    rng = gen.rng
    out: list[Stmt] = []
    arrays = gen.scope.of("a")
    wanted = rng.sample(arrays, min(len(arrays), rng.randint(1, 3)))
    for k, v in enumerate(wanted):
        c = gen.constant()
        fn = rng.choice([f"np.sin({v.name}[i0])", f"{v.name}[i0]", f"{v.name}[i0] * {v.name}[i0]"])
        out.append(
            Stmt("for-sum", [
                Line(f"for i0 in range(len({v.name})):"),
                Line(f"    s += ({{0}} + {0.3 + 0.2 * k:.1f} * i0) * {fn}", [c]),
            ])
        )  # fmt: skip
    if gen.scope.of("m") and rng.random() < 0.8:
        v = rng.choice(gen.scope.of("m"))
        out.append(
            Stmt("for-sum", [
                Line(f"for i0 in range({v.name}.shape[0]):"),
                Line(f"    for j0 in range({v.name}.shape[1]):"),
                Line(f"        s += (0.4 + 0.3 * i0 - 0.2 * j0) * {v.name}[i0, j0]"),
            ])
        )  # fmt: skip
    floats = gen.scope.of("f")
    terms = [gen.name(v) for v in rng.sample(floats, min(len(floats), 4)) if v.name != "s"]
    text = " + ".join(["s", *(f"{0.3 + 0.2 * k:.1f} * {{{k}}}" for k in range(len(terms)))])
    out.append(gen.line("return", "return " + text, *terms))
    return out


def arguments(program: Program, point: int = 0) -> list[Any]:
    """Argument values that belong to the program's seed.  All points have the same types."""
    rng = np.random.default_rng(random.Random(f"{program.inputs}:{point}").getrandbits(32))
    x = rng.uniform(-1.0, 1.0, 6)
    if random.Random(program.inputs + ":layout").random() < 0.1:  # not contiguous
        wide = np.zeros(12)
        wide[::2] = x
        x = wide[::2]
    y = rng.uniform(-1.0, 1.0, 6)
    a = float(rng.uniform(-1.0, 1.0))
    n = int(rng.integers(1, 5))
    p = rng.integers(0, 6, 5)
    args: list[Any] = [x, y, a, n, p]
    if ", m" in program.main.params:
        args.append(rng.uniform(-1.0, 1.0, (ROWS, COLS)))
    return args
