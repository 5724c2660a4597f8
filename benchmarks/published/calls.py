"""Calls of a package's functions that work, and their derivatives by differences.

    NUMBA_DISABLE_JIT=1 python -m benchmarks.published.calls FOUND OUT

Numba is off, so that a guess costs microseconds.  FOUND is what ``discover`` printed; OUT receives
a pickle of ``Case``s.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import pickle
import random
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import numba
import numpy as np

from benchmarks.published.guess import argument_lists
from tests import oracle

PER_CALL = 0.5  # seconds
PER_FUNCTION = 8.0


@dataclass
class Case:
    """A call that works.  ``driver``: the text of a function that makes a scalar of the results,
    None where the function returns one."""

    args: list[Any]
    driver: str | None
    value: float
    argnums: tuple[int, ...]
    direction: dict[int, Any]
    slope: oracle.Estimate


class Late(BaseException):
    """No Exception, which somebody on the way would catch."""


@contextlib.contextmanager
def limit(seconds: float) -> Iterator[None]:
    def late(signum: int, frame: object) -> None:
        raise Late

    signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, seconds)  # CPU time: other processes do not count
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def is_float(v: Any) -> bool:
    return isinstance(v, float | np.floating)


def is_floats(v: Any) -> bool:
    return isinstance(v, np.ndarray) and v.dtype.kind == "f" and v.size > 0


def square(text: str, v: Any) -> str:
    return f"np.sum({text} * {text})" if is_floats(v) else f"{text} * {text}"


def driver_of(result: Any, args: list[Any], before: list[Any]) -> str | None:
    """The text that makes a scalar of the results; "" if it is one; None if there are no floats."""
    if is_float(result):
        return ""
    names = [f"p{k}" for k in range(len(args))]
    if is_floats(result):
        terms = [square("r", result)]
    elif isinstance(result, tuple):
        terms = [square(f"r[{k}]", v) for k, v in enumerate(result) if is_float(v) or is_floats(v)]
    elif result is None:
        changed = [k for k, a in enumerate(args) if is_floats(a) and np.any(a != before[k])]
        terms = [square(names[k], args[k]) for k in changed]
    else:
        return None
    if not terms:
        return None
    call = f"func({', '.join(names)})"
    call = call if result is None else f"r = {call}"
    return f"def drive({', '.join(names)}):\n    {call}\n    return {' + '.join(terms)}\n"


def case_of(func: Callable[..., Any], args: list[Any]) -> Case | None:
    given = oracle.copies(args)
    with limit(PER_CALL):
        result = func(*given)
    driver = driver_of(result, given, args)
    if driver is None:
        return None
    scalar = func
    if driver:
        space: dict[str, Any] = {"func": func, "np": np}
        exec(driver, space)
        scalar = space["drive"]
    scalar = seeded(scalar)
    with limit(20 * PER_CALL):
        value = float(scalar(*oracle.copies(args)))
        if not np.isfinite(value):
            return None
        argnums = tuple(k for k, a in enumerate(args) if is_float(a) or is_floats(a))
        direction = oracle.random_direction(args, argnums, np.random.default_rng(11))
        slope = oracle.directional(scalar, args, direction, 1e-4)
    return Case(args, driver or None, value, argnums, direction, slope)


def cases(func: Any, declared: list[str] | None) -> list[Case]:
    """At most three calls of different kinds that work, those with a derivative first."""
    found: dict[tuple[str, ...], Case] = {}
    start = time.process_time()
    for kinds, args in argument_lists(func, declared):
        if time.process_time() - start > PER_FUNCTION:
            break
        old = found.get(kinds)
        if old is not None and old.slope.reliable and old.slope.value:
            continue
        try:
            case = case_of(func, args)
        except Late:
            continue
        except Exception:
            continue
        if case is not None and (old is None or (case.slope.reliable and case.slope.value)):
            found[kinds] = case
        good = [c for c in found.values() if c.slope.reliable and c.slope.value]
        if len(good) >= 3:
            break
    ordered = sorted(found.values(), key=lambda c: not (c.slope.reliable and c.slope.value))
    return ordered[:3]


def attribute(module: Any, path: str) -> Any:
    found = reduce(lambda owner, name: vars(owner)[name], path.split("."), module)
    return getattr(found, "__func__", found)


def vectorised(*signature: Any, **options: Any) -> Any:
    """``numba.vectorize`` without Numba: eager signatures would still compile."""
    return np.vectorize(signature[0]) if signature and callable(signature[0]) else np.vectorize


def seeded(func: Callable[..., Any]) -> Callable[..., Any]:
    """``func``, which draws the same random numbers in all calls."""

    def call(*args: Any) -> Any:
        seed()
        return func(*args)

    return call


def seed() -> None:
    """Numba, if it is on, has generators of its own."""
    for random_state in (_seed_both, getattr(_seed_both, "py_func", _seed_both)):
        random_state()


@numba.njit
def _seed_both() -> None:
    np.random.seed(5)
    random.seed(5)


def unwritten(like: Callable[..., Any]) -> Callable[..., Any]:
    """``np.empty`` that shows in results which depend on memory that nobody wrote."""

    def make(*args: Any, **options: Any) -> Any:
        made = like(*args, **options)
        if made.dtype.kind == "f":
            made.fill(np.nan)
        return made

    return make


def main() -> None:
    numba.vectorize = vectorised
    for name in ("empty", "empty_like"):
        setattr(np, name, unwritten(getattr(np, name)))
    listing = json.loads(Path(sys.argv[1]).read_text())["found"]
    out: dict[tuple[str, str], list[Case]] = {}
    with (
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        for entry in listing:
            try:
                func = attribute(importlib.import_module(entry["module"]), entry["path"])
                out[entry["module"], entry["path"]] = cases(func, entry["declared"])
            except Exception:
                out[entry["module"], entry["path"]] = []
            Path(sys.argv[2]).write_bytes(pickle.dumps(out))


if __name__ == "__main__":
    main()
