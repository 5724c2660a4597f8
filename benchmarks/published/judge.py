"""What adcompile makes of the calls that ``calls`` found.

    python -m benchmarks.published.judge FOUND CALLS OUT [FIRST [EVERY]]

The generated modules run as plain Python, so that a function takes a second.  Where that fails or
disagrees, Numba compiles it, and what is compiled counts.  OUT receives one JSON line per function,
at once: whoever runs this goes on behind the last one if the process dies.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import json
import pickle
import re
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from typing import Any

import numba
import numpy as np

import adcompile
from adcompile import AdcompileError
from adcompile.testing import plain_jvp, plain_value_and_grad
from benchmarks.published.calls import Case, Late, attribute, limit, seeded
from tests import oracle

PER_FUNCTION = 60.0
NO_VALUE = "no value: rounding errors decide"
DRIVER = """import importlib

import numpy as np

from benchmarks.published.calls import attribute

func = attribute(importlib.import_module({module!r}), {path!r})


{text}"""


def target_of(module: str, path: str, case: Case, folder: Path) -> Any:
    """The function to differentiate: the package's own, or a driver around it."""
    if case.driver is None:
        return attribute(importlib.import_module(module), path)
    name = f"driver_{abs(hash((module, path, case.driver)))}"
    file = folder / f"{name}.py"
    file.write_text(DRIVER.format(module=module, path=path, text=case.driver))
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made
    spec.loader.exec_module(made)
    return made.drive


def close(a: float, b: float, tolerance: float) -> bool:
    return a == b or bool(abs(a - b) <= tolerance * max(1.0, abs(a), abs(b)))


def checked(target: Any, case: Case, compiled: bool) -> str:
    """ "right", or what is wrong."""
    args = oracle.copies(case.args)
    tangents: list[Any] = [None] * len(args)
    for k in case.argnums:
        tangents[k] = case.direction[k]
    expected, slope = case.value, case.slope
    if compiled:
        plain = seeded(target if hasattr(target, "py_func") else numba.njit(target))
        expected = float(plain(*oracle.copies(args)))
        slope = differences(plain, case)
        made = adcompile.value_and_grad(target, case.argnums, vector_math=False, cache=False)
        value, grads = seeded(made)(*args)
        out, moved = seeded(adcompile.jvp)(target, tuple(args), tuple(tangents))
    else:
        value, grads = seeded(plain_value_and_grad(target, case.argnums))(*args)
        forwards = seeded(plain_jvp(target, case.argnums))
        out, moved = forwards(args, [tangents[k] for k in case.argnums])
    for given, now in zip(case.args, args):
        if isinstance(given, np.ndarray) and not np.array_equal(given, now, equal_nan=True):
            return "wrong: an argument was changed"
    short = "float32" in source(target)
    if not close(value, expected, 1e-5 if short and compiled else 1e-12):  # sums in any order
        if compiled and 10 * unsettled(plain, case) > abs(value - expected):
            return NO_VALUE
        return f"wrong value: {value!r}, not {expected!r}"
    found = oracle.dot(grads, case.argnums, case.direction)
    forward = float(moved[0] if isinstance(out, tuple) else moved)
    if np.isnan(found) and np.isnan(forward) and not slope.reliable:
        return "right, no derivative at the point"
    if (
        slope.reliable
        and not slope.agrees(found)
        and not (short and close(found, slope.value, 1e-3))
    ):
        return f"wrong: {found!r}, differences {slope.value!r} +- {slope.error:.1e}"
    if not close(found, forward, 1e-4 if short else 1e-10):
        return f"wrong: {found!r}, forward mode {forward!r}"
    if not slope.reliable:
        return "right by forward mode alone"
    return "right" if slope.value else "right, zero"


def differences(plain: Any, case: Case) -> oracle.Estimate:
    """The derivative of the compiled function, which may raise beside the point."""
    try:
        return oracle.directional(plain, case.args, case.direction, 1e-4)
    except Exception:
        return oracle.Estimate(np.nan, np.nan, kink=True)


def unsettled(plain: Any, case: Case) -> float:
    """How far the plain function's value moves when its arguments do by a rounding error."""
    rng = np.random.default_rng(3)
    values = []
    for _ in range(4):
        args = oracle.copies(case.args)
        for k in case.argnums:
            args[k] = args[k] * (1.0 + 2.0**-52 * rng.integers(-1, 2, np.shape(args[k])))
        try:
            values.append(float(plain(*args)))
        except Exception:  # of a matrix that is singular or not
            return np.inf
    return max(values) - min(values)


def source(target: Any) -> str:
    """The text of the file that has the function, and of the one that has what a driver calls."""
    texts = []
    for func in (target, getattr(target, "__globals__", {}).get("func")):
        with contextlib.suppress(OSError, TypeError):
            plain: Any = getattr(func, "py_func", func)
            texts.append(Path(inspect.getsourcefile(plain) or "").read_text())
    return "".join(texts)


def describe(error: BaseException) -> tuple[str, str]:
    """(refused or crashed, the message)."""
    if isinstance(error, Late) or "Late()" in str(error):  # wherever it was caught
        return "time limit", ""
    if isinstance(error, AdcompileError):
        message = error.message.splitlines()[0]
        here = error.loc is not None and error.loc.line > 0
        here |= re.search(r"^  at .+:\d+$", error.message, re.MULTILINE) is not None  # compiled
        return ("refused" if here else "crashed"), f"{type(error).__name__}: {message}"
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
    first = text.splitlines()[0] if text else ""
    return "crashed", f"{type(error).__name__}: {first[:160]} ({place})"


def numba_takes(target: Any, case: Case) -> bool:
    """Whether Numba itself compiles and runs the call, and makes a float of it."""
    try:
        made = target if hasattr(target, "py_func") else numba.njit(target)
        with np.errstate(all="ignore"):
            return isinstance(made(*oracle.copies(case.args)), float | np.floating)
    except Exception:
        return False


def judge(module: str, path: str, cases: list[Case], folder: Path) -> dict[str, Any]:
    for case in cases:
        target = target_of(module, path, case, folder)
        verdict, message, where = "", "", ""
        try:
            with limit(PER_FUNCTION), np.errstate(all="ignore"):
                verdict = checked(target, case, compiled=False)
        except (Exception, Late) as error:
            verdict, message = describe(error)
            where = str(getattr(error, "loc", "") or "")
        if verdict.startswith("right"):
            return result(module, path, case, verdict, message, where)
        try:
            with limit(PER_FUNCTION):
                if not numba_takes(target, case):
                    continue
        except Late:
            continue
        if verdict == "refused":
            return result(module, path, case, verdict, message, where)
        plain = f"{verdict} {message}"
        try:
            with limit(2 * PER_FUNCTION), np.errstate(all="ignore"):
                verdict, message = checked(target, case, compiled=True), ""
        except (Exception, Late) as error:
            verdict, message = describe(error)
            where = str(getattr(error, "loc", "") or "")
        if verdict == NO_VALUE:
            continue
        found = result(module, path, case, verdict, message, where)
        return {**found, "uncompiled": plain}
    return {"module": module, "path": path, "verdict": "no call"}


def result(
    module: str, path: str, case: Case, verdict: str, message: str, where: str
) -> dict[str, Any]:
    kinds = [f"{a.ndim}d" if isinstance(a, np.ndarray) else type(a).__name__ for a in case.args]
    return {
        "module": module,
        "path": path,
        "kinds": kinds,
        "scalar": case.driver is None,
        "verdict": verdict,
        "message": message,
        "where": where,
    }


def main() -> None:
    listing = json.loads(Path(sys.argv[1]).read_text())["found"]
    found = pickle.loads(Path(sys.argv[2]).read_bytes())
    first = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    every = int(sys.argv[5]) if len(sys.argv) > 5 else 1
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder, Path(sys.argv[3]).open("a") as out:
        for entry in listing[first::every]:
            module, path = entry["module"], entry["path"]
            try:
                line = judge(module, path, found.get((module, path), []), Path(folder))
            except Exception as error:
                line = {"module": module, "path": path, "verdict": "no call", "note": repr(error)}
            out.write(json.dumps(line) + "\n")
            out.flush()


if __name__ == "__main__":
    main()
