"""One function of the table, in a process of its own.

    python -m benchmarks.published.measure NAME (cold | warm | check | speed) ...

Prints one JSON object for each, with what it is of.  Times are CPU seconds of a first call less
those of a second, in a process that has compiled another function and its gradient before: Numba's
own start is not counted.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

import adcompile
from adcompile import AdcompileError
from adcompile.api import of_numbers
from adcompile.frontend.source import is_dispatcher, plain_function
from benchmarks.measure import interleave
from benchmarks.published.functions import SUBJECTS, Subject
from benchmarks.published.kernels import KERNELS
from tests import oracle

NAMES = (*SUBJECTS, *KERNELS)
SIZE, LARGE = 8, 24


def subject_of(name: str, size: int = SIZE) -> Subject:
    rng = np.random.default_rng(3)
    if name in SUBJECTS:
        return SUBJECTS[name][1](rng)
    target, make = KERNELS[name]
    args = make(rng, size)
    return Subject(target, target, args, tuple(k for k, a in enumerate(args) if type(a) is not int))


# ---------------------------------------------------------------- constructs


def constructs(func: Any, seen: set[Any]) -> set[str]:
    """What the function and its callees are made of."""
    plain = plain_function(func)
    if plain is None or plain in seen:
        return set()
    seen.add(plain)
    found: set[str] = set()
    tree = ast.parse(textwrap.dedent(inspect.getsource(plain)))
    returns = 0
    for node in ast.walk(tree):
        match node:
            case ast.For(iter=ast.Call(func=ast.Name(id="range"))):
                found.add("for")
            case ast.For(iter=ast.Call(func=ast.Name(id=name))):
                found.add(f"for {name}" if name != "prange" else "prange")
            case ast.For():
                found.add("for over values")
            case ast.While():
                found.add("while")
            case ast.If() | ast.IfExp():
                found.add("if")
            case ast.Break() | ast.Continue() | ast.Raise() | ast.Assert():
                found.add(type(node).__name__.lower())
            case ast.Assign([ast.Subscript(slice=where)]) | ast.AugAssign(
                ast.Subscript(slice=where)
            ):
                wide = any(isinstance(part, ast.Slice) for part in ast.walk(where))
                found.add("stores to slices" if wide else "stores to elements")
            case ast.Starred():
                found.add("f(*args)")
            case ast.Return():
                returns += 1
            case ast.Call(func=ast.Name(id=name)):
                callee = plain.__globals__.get(name)
                if is_dispatcher(callee):
                    found |= {"calls"} | constructs(callee, seen)
            case ast.Call(func=ast.Attribute(attr=name)) if name in ("normal", "random", "seed"):
                found.add("random draws")
            case _:
                pass
    if returns > 1:
        found.add("several returns")
    return found


# ---------------------------------------------------------------- measurements


def check(s: Subject) -> dict[str, Any]:
    made = sorted(constructs(s.user, set()))
    try:
        return {"constructs": made, "verdict": verdict(s)}
    except AdcompileError as error:
        return {"constructs": made, "verdict": "refused: " + str(error).replace("\n", " ")}


def verdict(s: Subject) -> str:
    gradient = adcompile.value_and_grad(s.target, s.argnums, vector_math=False)
    args = oracle.copies(s.args)
    value, grads = gradient(*args)
    if any(not np.array_equal(a, b) for a, b in zip(args, s.args)):
        return "wrong: an argument was changed"
    again, more = gradient(*args)
    if again != value or any(not np.array_equal(a, b) for a, b in zip(grads, more)):
        return "wrong: a second call differs"
    expected = s.target(*oracle.copies(s.args))
    exact = "same bits" if value == expected else f"value off by {abs(value / expected - 1):.0e}"
    worst, rng, single = 0.0, np.random.default_rng(5), False
    for _ in range(3):
        direction = oracle.random_direction(s.args, s.argnums, rng)
        estimate = oracle.directional(s.target, s.args, direction, 1e-4)
        single |= estimate.error > 1e-6  # single precision inside
        scale = max(1e-12, abs(estimate.value))
        worst = max(worst, abs(oracle.dot(grads, s.argnums, direction) - estimate.value) / scale)
    for k, known in s.published.items():
        worst = max(worst, abs(grads[s.argnums.index(k)] / known - 1))
    if worst > (1e-2 if single else 1e-7):
        return f"wrong by {worst:.0e}"
    return f"right to {worst:.0e}, {exact}" + (", in single precision" if single else "")


def first_less_second(call: Callable[[], object]) -> float:
    times = []
    for _ in range(2):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return times[0] - times[1]


def warm_up() -> None:
    def other(x, k):  # type: ignore[no-untyped-def]
        y = np.zeros(x.size)
        total = 0.0
        for i in range(x.size):
            y[i] = k * np.sin(x[i])
            while total < y[i]:
                total += y[i] * y[i] + 1.0
        return total

    args = (np.ones(3), 0.3)
    njit(cache=True)(other)(*args)
    adcompile.value_and_grad(other, (0, 1))(*args)


def compile_times(s: Subject) -> dict[str, Any]:
    """Cold or from disk, as the environment has it."""
    warm_up()
    known = ("fastmath", "error_model", "parallel")
    target = of_numbers(s.target)
    options = {k: v for k, v in target.targetoptions.items() if k in known}
    primal = njit(cache=True, **options)(target.py_func)
    gradient = adcompile.value_and_grad(s.target, s.argnums)
    return {
        "primal": first_less_second(lambda: primal(*oracle.copies(s.args))),
        "gradient": first_less_second(lambda: gradient(*oracle.copies(s.args))),
    }


def speed(s: Subject) -> dict[str, Any]:
    gradient = adcompile.value_and_grad(s.target, s.argnums)
    calls: dict[str, Callable[[], object]] = {
        "primal": lambda: s.target(*oracle.copies(s.args)),
        "gradient": lambda: gradient(*oracle.copies(s.args)),
    }
    for call in calls.values():
        call()
    start = time.perf_counter()
    calls["primal"]()
    repeat = max(1, min(2000, int(2e-3 / (time.perf_counter() - start))))
    ratio = interleave(calls, 15, repeat).ratio("gradient", "primal")
    return {"run": ratio.median, "run low": ratio.low, "run high": ratio.high}


def main() -> None:
    name, *wanted = sys.argv[1:]
    warnings.simplefilter("ignore")
    measures = {"check": check, "cold": compile_times, "warm": compile_times, "speed": speed}
    for what in wanted:
        s = subject_of(name, LARGE if what == "speed" else SIZE)
        print(json.dumps({"what": what, "found": measures[what](s)}), flush=True)


if __name__ == "__main__":
    main()
