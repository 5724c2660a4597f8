"""A start from disk: whatever a gradient depends on is in its key, or there is none."""

from __future__ import annotations

import importlib.util
import itertools
import os
import subprocess
import sys
import textwrap
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from adcompile import grad, value_and_grad
from adcompile.backends import starts
from adcompile.backends.values import type_of
from adcompile.frontend.frame import Frame
from adcompile.frontend.source import Source
from adcompile.reach import ATOMS, Reach, Unknown

ROOT = Path(__file__).resolve().parents[1]

MODULE = """
import enum, math, types
from collections import namedtuple
from dataclasses import dataclass
import numpy as np
from numba import njit, float64, vectorize
import adcompile

K = 2.0
WEIGHTS = np.array([1.0, 2.0])
PAIR = (1.0, (2.0, 3.0))
TABLE = {"a": 1.0, "b": {"c": 2.0}}
SPACE = types.SimpleNamespace(alpha=1.0, inner=types.SimpleNamespace(beta=2.0))
DTYPE = np.float64
func = np.sin

class Colour(enum.Enum):
    RED = 1.0
    BLUE = 2.0

class Level(enum.IntEnum):
    LOW = 1

class Settings:
    gamma = 1.0
    @staticmethod
    def rate(x):
        return 2.0 * x

class Base:
    depth = 3.0

class Derived(Base):
    pass

Point = namedtuple("Point", "x y")
Point3 = namedtuple("Point", "x y z")
ORIGIN = Point(1.0, 2.0)

def one(x): return 2.0 * x
def two(x): return 3.0 * x
def deeper(x): return one(x)
@njit
def jitted(x): return deeper(x)
@njit(fastmath=True)
def fast(x): return one(x)
@njit(float64(float64))
def eager(x): return 2.0 * x
@vectorize
def scaled(x): return deeper(x)
def with_default(x, k=2.0): return k * x
def with_function(x, g=one): return g(x)
def made(k):
    def inner(x):
        return k * x
    return inner
def composed(g):
    def inner(x):
        return g(x)
    return inner
closed = made(2.0)
of_closed = composed(one)

@adcompile.custom_vjp
def ruled(x): return x * x
def fwd(x): return x * x, x
def bwd(x, ct): return (2.0 * x * ct,)
def other_bwd(x, ct): return (3.0 * x * ct,)
def other_fwd(x): return 2.0 * x * x, x
ruled.defvjp(fwd, bwd)

@adcompile.nondifferentiable
def constant(x): return K

@dataclass
class Model:
    w: float
    def predict(self, x): return self.w * x
    def other(self, x): return 2.0 * self.w * x

def uses_number(x): return K * x
def uses_array(x): return WEIGHTS[1] * x
def uses_tuple(x): return PAIR[1][0] * x
def uses_dict(x): return TABLE["a"] * x
def uses_space(x): return SPACE.inner.beta * x
def uses_enum(x): return Colour.BLUE.value * x
def uses_level(x): return Level.LOW * x
def uses_class(x): return Settings.gamma * x
def uses_base(x): return Derived.depth * x
def uses_named(x): return ORIGIN.y * x
def uses_ufunc(x): return func(x)
def uses_math(x): return math.sin(x)
def uses_callee(x): return deeper(x)
def uses_jitted(x): return jitted(x)
def uses_eager(x): return eager(x)
def uses_vectorized(x): return scaled(x)
def uses_default(x): return with_default(x)
def uses_function(x): return with_function(x)
def uses_closure(x): return closed(x)
def uses_closure_of(x): return of_closed(x)
def uses_rule(x): return ruled(x)
def uses_constant(x): return constant(x) * x
def uses_import(x):
    from math import cos
    return cos(x)
def uses_lambda(x): return (lambda y: K * y)(x)
def uses_comprehension(x): return sum([K * x for _ in range(3)])
def uses_dtype(x): return np.zeros(2, DTYPE)[0] + x
def uses_builtin(x): return abs(x)
def uses_numpy(x):
    return (np.ones(2) * np.full(2, x) + np.linalg.norm(np.zeros_like(np.arange(2.0))))[0]
def uses_raise(x):
    if x < K:
        raise ValueError("small")
    return x
def of_model(m, x): return m.predict(x)
def of_pair(p, x): return p.x * x
def of_function(g, x): return g(x)
"""

CASES = {  # function: statements that change what it computes, in the module's namespace
    "uses_number": ("K = 3.0", "K = 2", "K = np.float32(2.0)"),
    "uses_array": ("WEIGHTS = WEIGHTS * 2", "WEIGHTS[1] = 5.0"),
    "uses_tuple": ("PAIR = (1.0, (5.0, 3.0))",),
    "uses_dict": ("TABLE['a'] = 4.0", "TABLE = {'a': 4.0}"),
    "uses_space": ("SPACE.inner.beta = 5.0", "SPACE.inner = types.SimpleNamespace(beta=7.0)"),
    "uses_class": ("Settings.gamma = 4.0",),
    "uses_base": ("Base.depth = 4.0", "Derived.depth = 4.0"),
    "uses_named": ("ORIGIN = Point(1.0, 3.0)", "ORIGIN = Point3(1.0, 2.0, 3.0)"),
    "uses_enum": ("Colour = enum.Enum('Colour', {'RED': 1.0, 'BLUE': 5.0}, module=__name__)",),
    "uses_level": ("Level = enum.IntEnum('Level', {'LOW': 5}, module=__name__)",),
    "uses_ufunc": ("func = np.cos", "func = math.sin", "func = one"),
    "uses_math": ("math = types.SimpleNamespace(sin=math.cos)", "math = np"),
    "uses_callee": ("one = two", "deeper = two", "one.__code__ = two.__code__"),
    "uses_jitted": ("one = two", "jitted = fast", "jitted = njit(two)"),
    "uses_vectorized": ("one = two", "scaled = vectorize(fastmath=True)(scaled.__wrapped__)"),
    "uses_eager": ("eager = njit(eager.py_func)", "eager = njit('float32(float32)')(two)"),
    "uses_default": ("with_default.__defaults__ = (3.0,)",),
    "uses_function": ("with_function.__defaults__ = (two,)", "one.__code__ = two.__code__"),
    "uses_closure": ("closed = made(3.0)", "closed.__closure__[0].cell_contents = 4.0"),
    "uses_closure_of": ("of_closed = composed(two)", "one.__code__ = two.__code__",),
    "uses_rule": ("ruled.defvjp(fwd, other_bwd)", "ruled.defvjp(other_fwd, bwd)", "ruled = one"),
    "uses_constant": ("K = 3.0", "constant = one"),
    "uses_lambda": ("K = 3.0",),
    "uses_comprehension": ("K = 3.0",),
    "uses_dtype": ("DTYPE = np.float32",),
    "uses_builtin": ("abs = two",),
    "uses_numpy": ("np = types.SimpleNamespace(**{**vars(np), 'ones': np.zeros})",),
    "uses_raise": ("K = 3.0", "class ValueError(Exception): pass"),
}  # fmt: skip
_count = itertools.count()


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("reach") / "user.py"
    file.write_text(MODULE)
    return file


def imported(file: Path) -> ModuleType:
    """The module anew, under one name."""
    spec = importlib.util.spec_from_file_location("reach_user", file)
    assert spec is not None and spec.loader is not None
    module = sys.modules["reach_user"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def key(f: Any, *args: Any, **options: Any) -> str | None:
    found = grad(f, **options).derivation._request(tuple(map(type_of, args)))
    return None if found is None else found.name


@pytest.mark.parametrize("name", CASES)
def test_what_changes_a_function_changes_its_key(text, name):
    for change in CASES[name]:
        module = imported(text)
        before = key(getattr(module, name), 1.0)
        assert before is not None
        module.unrelated = 7.0
        assert before == key(getattr(module, name), 1.0)
        exec(change, module.__dict__)
        assert key(getattr(module, name), 1.0) != before, change


def test_arguments_options_and_mode(text):
    m = imported(text)
    f = m.uses_number
    keys = [
        key(f, 1.0), key(f, 1), key(f, np.float32(1.0)), key(f, 1.0, fastmath=True),
        key(f, 1.0, parallel=True), key(f, 1.0, error_model="python"), key(f, 1.0, contract=False),
        key(f, 1.0, vector_math=False), key(f, 1.0, optimise=False), key(f, 1.0, argnums=(0,)),
        key(f, 1.0, has_aux=True), key(m.njit(f), 1.0), key(m.njit(fastmath=True)(f), 1.0),
        key(m.njit(error_model="numpy")(f), 1.0), key(m.njit(parallel=True)(f), 1.0),
        key(m.of_pair, m.Point(1.0, 2.0), 1.0), key(m.of_pair, m.Point3(1.0, 2.0, 3.0), 1.0),
        key(m.of_model, m.Model(1.0), 1.0), key(m.of_function, m.njit(m.one), 1.0, argnums=1),
        key(m.of_function, m.njit(m.two), 1.0, argnums=1),
    ]  # fmt: skip
    assert None not in keys
    assert len(set(keys)) == len(keys)
    assert key(m.of_function, m.njit(m.one), 1.0, argnums=1) in keys
    m.Model.predict = m.Model.other
    assert key(m.of_model, m.Model(1.0), 1.0) not in keys
    m.one.__code__ = m.two.__code__
    assert key(m.of_function, m.njit(m.one), 1.0, argnums=1) not in keys


def test_surroundings(text, monkeypatch):
    f = imported(text).uses_number
    known = key(f, 1.0)
    with monkeypatch.context() as patch:
        patch.setattr(starts, "setting", lambda: "another adcompile, Numba or processor")
        assert key(f, 1.0) != known
    with monkeypatch.context() as patch:
        patch.setenv("ADCOMPILE_OPTIMISE", "0")
        assert key(f, 1.0) != known
    os.utime(text, ns=(1, 1))  # another text, for all that is known
    assert key(f, 1.0) != known


def test_code_is_of_a_processor(text, monkeypatch):
    f = imported(text).uses_number
    types = (type_of(1.0),)

    def machine() -> str:
        found = grad(f).derivation._request(types)
        assert found is not None
        return found.types

    known = machine()
    codegen = starts.cpu_target.target_context.codegen()
    monkeypatch.setattr(type(codegen), "magic_tuple", lambda self: ("another", "cpu", ""))
    assert machine() != known
    monkeypatch.undo()
    monkeypatch.setattr(starts._config, "BOUNDSCHECK", 1)
    assert machine() != known


UNKNOWN = """
import functools, numba, numpy as np
class Hidden:
    def __getattr__(self, name): return 2.0
class Computed:
    @property
    def rate(self): return 2.0
class Called:
    def __call__(self, x): return x
class Kept(dict): pass
class Meta(type):
    def __getattr__(cls, name): return 2.0
class OfMeta(metaclass=Meta): pass
hidden, computed, called, kept = Hidden(), Computed(), Called(), Kept(a=2.0)
part = functools.partial(max, 1.0)
objects = np.array([1.0, None])
generator = np.random.default_rng(1)
def overloaded(x): return x
@numba.extending.overload(overloaded)
def _of(x): return lambda x: 2.0 * x
def f0(x): return hidden.rate * x
def f1(x): return computed.rate * x
def f2(x): return called(x)
def f3(x): return kept["a"] * x
def f4(x): return OfMeta.rate * x
def f5(x): return part(x)
def f6(x): return objects[0] * x
def f7(x): return generator.random() * x
def f8(x): return overloaded(x)
"""


def test_what_is_not_understood_has_no_key(tmp_path):
    file = tmp_path / "odd.py"
    file.write_text(UNKNOWN)
    module = imported(file)
    for k in range(9):
        assert key(getattr(module, f"f{k}"), 1.0) is None, k
    assert key(eval("lambda x: x"), 1.0) is None  # has no file


def test_frontend_sees_nothing_else(text, monkeypatch):
    """Every value that parsing looks up is in the key."""
    from adcompile.frontend.parse import parse
    from benchmarks.published.kernels import KERNELS

    looked: list[Any] = []
    lookup, static = Source.lookup, Frame.static

    def noted(self, name):
        looked.append(lookup(self, name))
        return looked[-1]

    def noted_static(self, node):
        found = static(self, node)
        looked.append(None if found is None else found.value)
        return found

    monkeypatch.setattr(Source, "lookup", noted)
    monkeypatch.setattr(Frame, "static", noted_static)
    module = imported(text)
    programs = [getattr(module, name) for name in CASES] + [
        target for target, _ in KERNELS.values()
    ]
    for f in programs:
        looked.clear()
        parse(f)
        reach = Reach()
        reach.root(f)
        seen = {one for one, _ in reach.seen}
        for value in looked:
            value = type(value) if isinstance(value, Enum) else value
            inside = type(value) in ATOMS or type(value).__module__.startswith("adcompile")
            plain = isinstance(value, tuple | np.finfo | np.iinfo)
            assert inside or plain or id(value) in seen, (f, value)
    assert len(programs) > 40


PROGRAM = """
import os, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
import reach_program as m
from adcompile import value_and_grad, vjp
for name, args in m.CALLS.items():
    loss = value_and_grad(getattr(m, name), argnums=len(args) - 1)
    value, slope = loss(*args)
    hits = sum(found.metadata is None for found in loss.overloads.values())
    print(name, value, np.sum(slope), hits)
out, pullback = vjp(m.of_number, 1.5)
print("vjp", out, pullback(1.0)[0], 1)
print("frontend", "adcompile.frontend.parse" in sys.modules, "adcompile.pipeline" in sys.modules, 1)
"""

USER = """
import enum, os
from dataclasses import dataclass
from numba import njit, prange, vectorize
import numpy as np
import adcompile
MODE = float(os.environ["MODE"])
class Colour(enum.Enum):
    RED = MODE
def first(x): return 2.0 * x * x
def second(x): return 3.0 * x * x
chosen = first if MODE == 1.0 else second
def made(k):
    @njit
    def inner(x): return k * x
    return inner
closed = made(MODE)
@dataclass
class Model:
    w: float
    def predict(self, x): return MODE * self.w * x
def bwd_one(x, ct): return (2.0 * x * ct,)
def bwd_two(x, ct): return (4.0 * x * ct,)
@adcompile.custom_vjp
def ruled(x): return x * x
def fwd(x): return x * x, x
ruled.defvjp(fwd, bwd_one if MODE == 1.0 else bwd_two)
@adcompile.nondifferentiable
def step(x): return Colour.RED.value * 2.0
def by_table(x): return x * x
adcompile.register_rule(by_table, lambda ans, x: 2.0 * x, at=(1.5,))
def of_number(x): return MODE * x * x
def of_enum(x): return Colour.RED.value * x
def of_callee(x): return chosen(x)
def of_closure(x): return closed(x) * x
def of_model(m, x): return m.predict(x)
def of_rule(x): return ruled(x) * 1.0
def of_step(x): return step(x) * x
def of_table(x): return by_table(x) * MODE
def of_row(x): return np.sum(MODE * x)
@njit
def odd(x):
    if x < 0.0: return -odd(-x)
    return x * x * MODE
@vectorize
def of_symmetric(x): return odd(x) - 2.0 * odd(-x)
@njit(parallel=True)
def of_threads(x):
    total = 0.0
    for i in prange(x.size):
        total += MODE * x[i]
    return total
CALLS = {name: (1.5,) for name in ("of_number", "of_enum", "of_callee", "of_closure", "of_rule",
                                   "of_step", "of_table", "of_symmetric")}
CALLS["of_model"] = Model(2.0), 1.5
CALLS["of_row"] = (np.ones((1, 3)),)
CALLS["of_threads"] = (np.ones(3),)
"""


def expected(mode: float) -> dict[str, tuple[float, float]]:
    x = 1.5
    slope = 2.0 if mode == 1.0 else 3.0
    return {
        "of_number": (mode * x * x, 2 * mode * x),
        "of_enum": (mode * x, mode),
        "of_callee": (slope * x * x, 2 * slope * x),
        "of_closure": (mode * x * x, 2 * mode * x),
        "of_rule": (x * x, (2.0 if mode == 1.0 else 4.0) * x),
        "of_step": (2 * mode * x, 2 * mode),
        "of_table": (mode * x * x, 2 * mode * x),
        "of_model": (2 * mode * x, 2 * mode),
        "of_row": (3 * mode, 3 * mode),
        "of_threads": (3 * mode, 3 * mode),
        "of_symmetric": (3 * mode * x * x, 6 * mode * x),
        "vjp": (mode * x * x, 2 * mode * x),
    }


def test_processes(tmp_path):
    """The same program in four processes, of which the third has other globals."""
    (tmp_path / "reach_program.py").write_text(textwrap.dedent(USER))
    hits = []
    for mode in (1.0, 1.0, 2.0, 1.0):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path)],
            env={**os.environ, "MODE": str(mode), "ADCOMPILE_CACHE_DIR": str(tmp_path / "cache")},
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        lines = [line.split() for line in done.stdout.splitlines()]
        frontend = lines.pop()
        for name, value, slope, _ in lines:
            assert (float(value), float(slope)) == pytest.approx(expected(mode)[name], rel=1e-14), (
                name
            )
        hits.append(sum(int(line[3]) for line in lines[:-1]))
        assert frontend[1:3] == (["True", "True"] if len(hits) in (1, 3) else ["False", "False"])
    assert hits[0] == 0 and hits[2] < 11  # what does not depend on the mode may be found
    assert hits[1] == hits[3] == 11


def test_one_process(text, tmp_path, monkeypatch):
    """Two derivatives of one function share the code, and a frozen value stays."""
    monkeypatch.setenv("ADCOMPILE_CACHE_DIR", str(tmp_path))
    module = imported(text)
    first = value_and_grad(module.uses_number)
    assert first(1.5) == (3.0, 2.0)
    module.K = 5.0
    assert first(1.5) == (3.0, 2.0)
    assert value_and_grad(module.uses_number)(1.5) == (7.5, 5.0)
    module.K = 2.0
    again = value_and_grad(module.uses_number)
    assert again(1.5) == (3.0, 2.0)
    assert "2.0" in again.source() and "5.0" not in again.source()


def test_unknown_falls_back(tmp_path, monkeypatch):
    monkeypatch.setenv("ADCOMPILE_CACHE_DIR", str(tmp_path / "cache"))
    file = tmp_path / "odd.py"
    file.write_text(UNKNOWN)
    module = imported(file)
    with pytest.raises(Unknown):
        Reach().root(module.f1)
    assert grad(module.f1)(1.5) == 2.0
    assert not list((tmp_path / "cache").glob("*.index"))


def test_import_is_light():
    """A program that finds its code on disk pays for no more than that."""
    code = "import sys, adcompile; print([m for m in sys.modules if m.startswith('adcompile.')])"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for heavy in ("frontend", "runtime", "rules", "arrays", "clones", "custom", "ir", "pipeline"):
        assert f"'adcompile.{heavy}" not in found, heavy
