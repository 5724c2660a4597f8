"""One program against differences."""

from __future__ import annotations

import atexit
import functools
import importlib.util
import itertools
import os
import shutil
import signal
import sys
import tempfile
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests import oracle

from .program import arguments
from .tree import Program

PLAIN_SECONDS, COMPILED_SECONDS = 60, 300
MOST_COORDINATES = 10
POINTS = 3  # at which each program is compared
BAD = ("mismatch", "value", "crash", "timeout", "arguments", "unstable")
Maker = Callable[[Callable[..., Any], tuple[int, ...]], Callable[..., Any]]

_counter = itertools.count()


@dataclass
class Outcome:
    """``status``: ok; refused (an AdcompileError); discarded (differences tell nothing); invalid
    (the program itself fails); or one of BAD."""

    status: str
    detail: str = ""
    skipped: int = 0  # coordinates at which differences tell nothing
    coverage: Any = field(default=None, repr=False)

    @property
    def bad(self) -> bool:
        return self.status in BAD

    def same_kind(self, other: Outcome) -> bool:
        """For shrinking: the same failure?  Crashes and refusals by their message's first words."""
        words = [w.split(":")[0] + " ".join(w.split()[:4]) for w in (self.detail, other.detail)]
        named = self.status in ("crash", "refused")
        return self.status == other.status and (not named or words[0] == words[1])


class Target:
    """What is under test.  ``kind``: plain, compiled, or for developing the fuzzer itself
    differences, broken."""

    def __init__(
        self,
        kind: str = "plain",
        optimise: bool = True,
        mutate: Callable[[str], str] | None = None,
    ) -> None:
        self.kind, self.optimise, self.mutate = kind, optimise, mutate

    @property
    def has_forward(self) -> bool:
        return self.kind in ("plain", "compiled") and self.mutate is None

    @property
    def seconds(self) -> int:
        return COMPILED_SECONDS if self.kind == "compiled" else PLAIN_SECONDS

    def make(self, f: Callable[..., Any], argnums: tuple[int, ...]) -> Callable[..., Any]:
        if self.kind in ("differences", "broken"):
            return by_differences(f, argnums, self.kind == "broken")
        if self.kind == "compiled":
            from adcompile import value_and_grad

            out: Callable[..., Any] = value_and_grad(
                f, argnums=argnums, boundscheck=True, optimise=self.optimise
            )
            return out
        from adcompile.testing import plain_value_and_grad

        more = {"mutate": self.mutate} if self.mutate else {}
        out = plain_value_and_grad(f, argnums, optimise=self.optimise, **more)
        return out

    def forward(self, f: Callable[..., Any], argnums: tuple[int, ...]) -> Callable[..., float]:
        """(arguments, direction) -> the directional derivative, by forward mode."""
        from adcompile import jvp
        from adcompile.testing import plain_jvp

        plain = plain_jvp(f, argnums, self.optimise)

        def along(args: Sequence[Any], d: dict[int, Any]) -> float:
            given = tuple(oracle.copies(args))
            if self.kind == "compiled":
                out, tangent = jvp(f, given, tuple(d.get(k) for k in range(len(given))))
            else:
                out, tangent = plain(given, tuple(d[k] for k in argnums))
            assert all(np.array_equal(a, b) for a, b in zip(given, args, strict=True))
            return float(tangent[0] if isinstance(out, tuple) else tangent)

        return along


def by_differences(
    f: Callable[..., Any], argnums: tuple[int, ...], broken: bool
) -> Callable[..., Any]:
    def value_and_grads(*args: Any) -> tuple[float, tuple[Any, ...]]:
        grads = oracle.gradient(f, args, argnums)
        if broken:
            grads[-1] = grads[-1] * (1 + 1e-5)
        return float(f(*oracle.copies(args))), tuple(grads)

    return value_and_grads


def refusals() -> tuple[type[BaseException], ...]:
    from adcompile.errors import AdcompileError

    return (AdcompileError,)


@contextmanager
def limit(seconds: int) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TimeoutError(f"no result after {seconds} s")

    old = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)


def load(source: str, folder: str | None = None) -> types.ModuleType:
    """The program as a module with a file, so that inspect finds its source."""
    folder = folder or work_folder()
    name = f"fuzzed_{os.getpid()}_{next(_counter)}"
    path = Path(folder) / f"{name}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@functools.cache
def work_folder() -> str:
    """Removed when the process that asked first ends."""
    folder = tempfile.mkdtemp(prefix="adcompile-fuzz-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def unload(module: types.ModuleType) -> None:
    sys.modules.pop(module.__name__, None)


def same(a: Any, b: Any) -> bool:
    return all(np.array_equal(x, y, equal_nan=True) for x, y in zip(a, b, strict=True))


def check(program: Program, target: Target) -> Outcome:
    try:
        module = load(str(program))
    except SyntaxError as error:
        return Outcome("invalid", repr(error))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return check_function(module.f, program, target)
    finally:
        unload(module)


def check_function(f: Callable[..., Any], program: Program, target: Target) -> Outcome:
    """The worst of a few points; discarded only if all are."""
    points = [arguments(program, k) for k in range(POINTS)]
    expected = []
    for args in points:
        try:
            with limit(PLAIN_SECONDS):
                expected.append(f(*oracle.copies(args)))
                again = f(*oracle.copies(args))
            if again != expected[-1] or not np.isfinite(again):
                return Outcome("invalid", "not a function")
        except Exception as error:
            return Outcome("invalid", repr(error))
    try:
        with limit(target.seconds):
            under_test = target.make(f, program.argnums)
            found = [run_twice(under_test, args) for args in points]
    except refusals() as error:
        status = "crash" if type(error).__name__ == "VerifierError" else "refused"  # a bug of ours
        return Outcome(status, f"{type(error).__name__}: {error}")
    except TimeoutError as error:
        return Outcome("timeout", str(error))
    except Exception as error:
        return Outcome("crash", f"{type(error).__name__}: {error}")
    forward = target.forward(f, program.argnums) if target.has_forward else None
    outcomes = []
    for args, value, result in zip(points, expected, found, strict=True):
        outcome = result if isinstance(result, Outcome) else None
        if not isinstance(result, Outcome):
            outcome = wrong_value(result[0], value, target)
            outcome = outcome or compare(f, args, result[1], program)
            if outcome.status == "ok" and forward is not None:
                wrong = forward_against_reverse(forward, args, result[1], program, target)
                outcome = wrong or against_the_tape(f, args, result, program) or outcome
        assert outcome is not None
        if outcome.bad:
            return outcome
        outcomes.append(outcome)
    skipped = sum(o.skipped for o in outcomes)
    if any(o.status == "ok" for o in outcomes):
        return Outcome("ok", "", skipped)
    return outcomes[0]


def run_twice(under_test: Callable[..., Any], args: Sequence[Any]) -> Outcome | tuple[Any, Any]:
    """(value, gradients), or what is wrong with the calls as such."""
    given = oracle.copies(args)
    value, grads = under_test(*given)
    if not all(np.array_equal(a, b) for a, b in zip(given, args, strict=True)):
        return Outcome("arguments", "the caller's arguments were changed")
    grads = grads if isinstance(grads, tuple | list) else (grads,)
    first = [np.copy(g) for g in grads]
    again, grads_again = under_test(*given)
    grads_again = grads_again if isinstance(grads_again, tuple | list) else (grads_again,)
    if value != again or not same(first, grads_again):
        return Outcome("unstable", f"second call: {again!r} after {value!r}")
    return value, first


def wrong_value(value: Any, expected: Any, target: Target) -> Outcome | None:
    loose = 100.0 if target.kind == "compiled" else 1.0  # other libm, amplified by the program
    if abs(value - expected) <= 1e-12 * loose * max(1.0, abs(expected)):
        return None
    return Outcome("value", f"value {value!r}, expected {expected!r}")


def compare(
    f: Callable[..., Any], args: Sequence[Any], grads: Sequence[Any], program: Program
) -> Outcome:
    """Two random directions decide; then coordinates, where differences are reliable."""
    argnums = program.argnums
    shapes = [np.shape(args[k]) for k in argnums]
    if [np.shape(g) for g in grads] != shapes:
        return Outcome("crash", f"shapes of gradients: {[np.shape(g) for g in grads]}")
    rng = np.random.default_rng(len(str(program)))
    directions = [oracle.random_direction(args, argnums, rng) for _ in range(2)]
    units = oracle.unit_directions(args, argnums)
    if len(units) > MOST_COORDINATES:
        units = [units[k] for k in rng.choice(len(units), MOST_COORDINATES, replace=False)]
    reliable, skipped = 0, 0
    for number, d in enumerate([*directions, *units]):
        try:
            with limit(PLAIN_SECONDS):
                truth = oracle.directional(f, args, d)
        except Exception:  # near an assert or a raise
            truth = oracle.Estimate(0.0, np.inf, True)
        if not truth.reliable:
            if number < 2:
                return Outcome("discarded", f"error {truth.error:.1e}, kink {truth.kink}")
            skipped += 1
            continue
        reliable += 1
        ours = oracle.dot(grads, argnums, d)
        if not truth.agrees(ours):
            where = "random direction" if number < 2 else describe(d)
            text = f"{where}: {ours!r}, differences say {truth.value!r} +- {truth.error:.1e}"
            return Outcome("mismatch", text, skipped)
    return Outcome("ok", "", skipped)


def forward_against_reverse(
    forward: Callable[..., float],
    args: Sequence[Any],
    grads: Sequence[Any],
    program: Program,
    target: Target,
) -> Outcome | None:
    """The dot-product test <1, J d> = <J^T 1, d>: no differences, and so to 1e-12."""
    rng = np.random.default_rng(len(str(program)) + 1)
    d = oracle.random_direction(args, program.argnums, rng)
    try:
        with limit(target.seconds):
            tangent = forward(args, d)
    except refusals() as error:
        return Outcome("refused", f"forward mode: {type(error).__name__}: {error}")
    except Exception as error:
        return Outcome("crash", f"forward mode: {type(error).__name__}: {error}")
    reverse = oracle.dot(grads, program.argnums, d)
    size = sum(np.sum(np.abs(g * d[k])) for k, g in zip(program.argnums, grads))
    if abs(tangent - reverse) <= 1e-12 * max(1.0, float(size)):
        return None
    return Outcome("mismatch", f"forward mode {tangent!r}, reverse mode {reverse!r}")


def against_the_tape(
    f: Callable[..., Any], args: Sequence[Any], found: tuple[Any, Any], program: Program
) -> Outcome | None:
    try:
        with limit(PLAIN_SECONDS):
            oracle.second_opinion(f, args, program.argnums, *found)
    except AssertionError as error:
        return Outcome("mismatch", f"the tape engine: {error}")
    except Exception as error:
        return Outcome("crash", f"the tape engine: {type(error).__name__}: {error}")
    return None


def describe(d: dict[int, Any]) -> str:
    ((k, v),) = d.items()
    return f"argument {k}" + (f"{[int(i[0]) for i in np.nonzero(v)]}" if np.ndim(v) else "")
