"""The object a user holds, and the store, against a pipeline written by hand."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
import textwrap
import threading
import time
import types as pytypes
from pathlib import Path

import numba
import numpy as np
import pytest
from numba import types

import adcompile
from adcompile import grad, value_and_grad, vjp
from adcompile.backends import store
from adcompile.backends.dispatcher import GradDispatcher, PlainGrad
from adcompile.backends.store import Generated
from adcompile.options import Options, merge
from adcompile.types.infer import InferenceFailed, infer, infer_sites

HERE = Path(__file__).resolve().parent
CALLS: list[object] = []

# Derivatives of weighted(x, k) = k * sum(x**2) / w[0], w captured.
MODULE = """
import numpy as np
from numba import njit

@njit({options})
def grad_{h}(x, k):
    g = np.empty_like(x)
    for i in range(x.shape[0]):
        g[i] = 2.0 * k * x[i] / weights[0]
    return {grad}

@njit({options})
def value_and_grad_{h}(x, k):
    s = 0.0
    for i in range(x.shape[0]):
        s += x[i] * x[i]
    return k * s / weights[0], grad_{h}(x, k)

@njit({options})
def forward_{h}(x, k):
    s = 0.0
    for i in range(x.shape[0]):
        s += x[i] * x[i]
    return k * s / weights[0], (x.copy(), k)

@njit({options})
def pullback_{h}(residuals, ct):
    x, k = residuals
    return ct * 2.0 * k * x / weights[0], ct * np.sum(x * x) / weights[0]
"""


def stub() -> pytypes.ModuleType:
    module = pytypes.ModuleType("adcompile.pipeline")

    def fingerprint(func, argtypes, argnums, has_aux, options):
        single = getattr(argnums, "single", None)
        text = f"{func.__name__}{argtypes}{argnums}{single}{has_aux}{options}"
        return hashlib.sha256(text.encode()).hexdigest()

    def generate(func, argtypes, argnums, has_aux, options):
        CALLS.append((func, argtypes, tuple(argnums), options))
        if not isinstance(argtypes[0], types.Array):
            raise adcompile.UnsupportedError("x must be an array")
        h = fingerprint(func, argtypes, argnums, has_aux, options)[:12]
        keywords = ", ".join(f"{k}={v!r}" for k, v in options.decorator().items())
        text = MODULE.format(h=h, options=keywords, grad="g" if argnums.single else "(g,)")
        entries = {k: f"{k}_{h}" for k in ("grad", "value_and_grad", "forward", "pullback")}
        weights = {"weights": np.full(3, 1.0)}
        return Generated("weighted", text, entries, "FORWARD", "ADJOINT", None, "WHY", weights)

    module.generate, module.fingerprint = generate, fingerprint
    return module


@pytest.fixture(autouse=True)
def pipeline(monkeypatch, tmp_path):
    CALLS.clear()
    monkeypatch.setitem(sys.modules, "adcompile.pipeline", stub())
    monkeypatch.setattr(adcompile, "pipeline", sys.modules["adcompile.pipeline"], raising=False)
    monkeypatch.setenv("ADCOMPILE_CACHE_DIR", str(tmp_path / "cache"))


def weighted(x, k=2.0):
    """Weighted squares."""
    s = 0.0
    for i in range(x.shape[0]):
        s += x[i] * x[i]
    return k * s


X = np.array([1.0, 2.0, 3.0])


def test_calls_defaults_and_keywords():
    loss = grad(weighted)
    assert loss.__name__ == "weighted"
    assert loss.__doc__ == "Weighted squares."
    assert loss.__wrapped__ is weighted
    assert loss.__adcompile__
    np.testing.assert_array_equal(loss(X), 4 * X)
    np.testing.assert_array_equal(loss(X, 3.0), 6 * X)
    np.testing.assert_array_equal(loss(k=3.0, x=X), 6 * X)
    np.testing.assert_array_equal(loss(X, k=3.0), 6 * X)
    assert len(CALLS) == 2  # with k omitted, and given
    value, gradient = loss.value_and_grad(X)
    assert value == 28.0
    np.testing.assert_array_equal(gradient, 4 * X)
    assert loss.value_and_grad is loss.value_and_grad
    assert loss.primal(X) == 28.0
    assert value_and_grad(weighted)(X, 1.0)[0] == 14.0
    assert "adcompile grad of weighted" in repr(loss)


def test_decorator_forms_and_argnums():
    assert isinstance(grad(argnums="k")(weighted), GradDispatcher)
    assert grad(weighted, -1).derivation.argnums == (1,)
    assert grad(weighted, -1).derivation.argnums.single
    assert grad(weighted, ("k", 0)).derivation.argnums == (1, 0)
    assert isinstance(grad(weighted, (0,))(X), tuple)
    for wrong in (2, -3, "z", (0, 0), (0, "x"), ()):
        with pytest.raises(ValueError, match="argnums"):
            grad(weighted, wrong)
    for wrong in (1.5, True, None):
        with pytest.raises(TypeError, match="argnums"):
            grad(weighted, wrong)


def test_what_grad_refuses():
    with pytest.raises(TypeError, match="did you mean argnums=1"):
        grad(1)
    with pytest.raises(TypeError, match="Python function"):
        grad(np.sum)
    with pytest.raises(adcompile.UnsupportedError, match="derivatives of derivatives"):
        grad(grad(weighted))
    with pytest.raises(adcompile.UnsupportedError, match="derivatives of derivatives"):
        vjp(grad(weighted), X)
    with pytest.raises(adcompile.UnsupportedError, match=r"\*xs"):
        grad(lambda *xs: 1.0)
    with pytest.raises(TypeError, match="unknown option 'fast'"):
        grad(fast=True)
    with pytest.raises(TypeError, match="no type for argument 'x'"):
        grad(weighted)(object(), 1.0)
    with pytest.raises(adcompile.UnsupportedError, match="x must be an array"):
        grad(weighted)(1.0)


def test_options():
    assert merge({"boundscheck": None, "nopython": True}, {}) == Options()
    chosen = merge({"fastmath": {"nnan": True, "nsz": False}, "error_model": "python"}, {})
    assert chosen.fastmath == frozenset({"nnan"})
    assert chosen.error_model == "python"
    assert chosen.decorator()["fastmath"] == {"nnan": True}
    assert "'fastmath': {'nnan': True, 'nsz': True}" in repr(Options(fastmath={"nsz", "nnan"}))
    assert merge({"parallel": True}, {"parallel": False}).parallel is False
    for wrong in ({"error_model": "c"}, {"engine": "x"}, {"fastmath": {"quick"}}):
        with pytest.raises(ValueError, match=r"must be one of|unknown fastmath"):
            merge(None, wrong)
    for wrong in ({"cache": 1}, {"fastmath": 3}):
        with pytest.raises(TypeError, match="must be"):
            merge(None, wrong)


def test_optimise_from_environment(monkeypatch):
    monkeypatch.setenv("ADCOMPILE_OPTIMISE", "0")
    assert not Options().optimise


def test_users_dispatcher_is_left_alone():
    mine = numba.njit(error_model="python", fastmath={"contract"})(weighted)
    before = dict(mine.targetoptions)
    loss = grad(mine)
    loss(X)
    vjp(mine, X, 1.0)
    options = CALLS[0][3]
    assert options.error_model == "python"
    assert options.fastmath == frozenset({"contract"})
    assert loss.primal is mine
    assert not mine.overloads
    assert mine.targetoptions == before


def test_inside_njit():
    loss = grad(weighted)

    @numba.njit
    def descend(x, steps):
        value = 0.0
        for _ in range(steps):
            x = x - 0.1 * loss(x, k=1.0)
            value, _ = loss.value_and_grad(x)
        return x, value, loss.primal(x), loss(x)

    x, value, primal, g = descend(X, 3)
    np.testing.assert_allclose(x, X * 0.8**3)
    assert value == primal
    np.testing.assert_allclose(g, 4 * x)

    @numba.njit
    def wrong(x):
        return loss(x)

    with pytest.raises(adcompile.UnsupportedError):
        wrong(1.0)

    @numba.njit
    def apply(f, x):
        return f(x)

    np.testing.assert_array_equal(apply(loss, X), 4 * X)


def test_vjp():
    out, pullback = vjp(weighted, X, 2.0)
    other, second = vjp(weighted, 10 * X, 1.0)
    assert (out, other) == (28.0, 1400.0)
    for _ in range(2):
        gx, gk = pullback(1.0)
        np.testing.assert_array_equal(gx, 4 * X)
        assert gk == 14.0
    np.testing.assert_array_equal(second(2.0)[0], 40 * X)
    assert len(CALLS) == 1
    assert CALLS[0][2] == (0, 1)
    out, pullback = grad(weighted).vjp(X)  # k omitted: one cotangent
    assert len(pullback(1)) == 1
    with pytest.raises(ValueError, match="scalar output"):
        pullback(np.ones(3))
    with pytest.raises(adcompile.InactiveArgumentError):
        vjp(weighted, 1)


def test_no_scalar_no_gradient(monkeypatch):
    made = sys.modules["adcompile.pipeline"]
    whole = made.generate

    def generate(*args):
        found = whole(*args)
        entries = {k: found.entries[k] for k in ("forward", "pullback")}
        return dataclasses.replace(found, entries=entries)

    monkeypatch.setattr(made, "generate", generate)
    with pytest.raises(adcompile.NonScalarOutputError, match=r"test_backend\.py:"):
        grad(weighted)(X)
    assert vjp(weighted, X, 2.0)[0] == 28.0


def test_inspection():
    loss = grad(weighted)
    with pytest.raises(AttributeError, match=r"weighted.source\(\*types\)"):
        _ = loss.forward_source
    assert loss.source("float64[::1]", types.float64) == loss.source(X, 1.0)
    assert "def grad_" in loss.source("float64[:]")
    assert loss.explain(X) == "WHY"
    assert not loss.overloads
    with pytest.raises(TypeError, match="names no Numba type"):
        loss.source("float65")
    loss.value_and_grad(X)
    assert (loss.forward_source, loss.adjoint_source, loss.fused_source) == (
        "FORWARD",
        "ADJOINT",
        None,
    )
    assert loss.explain() == "WHY"


def test_plain_python(monkeypatch):
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    loss = grad(weighted)
    assert isinstance(loss, PlainGrad)
    np.testing.assert_array_equal(loss(X), 4 * X)
    assert loss.value_and_grad(X)[0] == 28.0


def test_call_cost():
    @numba.njit
    def plain(x, k=2.0):
        g = np.empty_like(x)
        for i in range(x.shape[0]):
            g[i] = 2.0 * k * x[i]
        return g

    loss, x = grad(weighted), np.ones(10)
    plain(x, 1.0)
    loss(x, 1.0)

    def clock(f):
        start = time.perf_counter()
        for _ in range(20_000):
            f(x, 1.0)
        return (time.perf_counter() - start) / 20_000

    pairs = [(clock(loss), clock(plain)) for _ in range(15)]
    ratio = float(np.median([a / b for a, b in pairs]))
    ours, theirs = (1e9 * np.median([p[i] for p in pairs]) for i in (0, 1))
    print(f"call: {ours:.0f} ns, plain njit {theirs:.0f} ns, median ratio {ratio:.3f}")
    assert ratio < 1.3


# ---------------------------------------------------------------- store and processes


def python(code: str, **env: str) -> str:
    text = (
        f"import sys; sys.path[:0] = [{str(HERE)!r}, {str(HERE.parent)!r}]\n"
        "import test_backend as t\nsys.modules['adcompile.pipeline'] = t.stub()\n"
        + textwrap.dedent(code)
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", text],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


RUN = """
loss = t.grad(t.weighted)
assert (loss(t.X) == 4 * t.X).all()
entry = loss.derivation.latest.entry("grad")
print(len(t.CALLS), sum(entry.stats.cache_hits.values()))
"""


def test_second_process_skips_everything():
    assert python(RUN) == "1 0"
    assert python(RUN) == "0 1"


def test_cached_caller(tmp_path):
    (tmp_path / "caller.py").write_text(
        "import numba, test_backend as t\n"
        "loss = t.grad(t.weighted)\n"
        "@numba.njit(cache=True)\n"
        "def step(x):\n"
        "    return x - loss(x) + loss.value_and_grad(x)[1]\n"
    )
    code = f"""
    sys.path.insert(0, {str(tmp_path)!r})
    import caller
    assert (caller.step(t.X) == t.X).all()
    print(len(t.CALLS), sum(caller.step.stats.cache_hits.values()))
    """
    assert python(code) == "1 0"
    assert python(code) == "0 1"
    for file in (tmp_path / "cache").glob("adc_*.py"):
        file.write_bytes(file.read_bytes()[:40])
    assert python(code) == "1 0"  # Numba's cache of the caller names a module that is damaged
    shutil.rmtree(tmp_path / "cache")
    assert python(code) == "1 0"  # ... or gone
    assert python(code) == "0 1"


def test_processes_at_once():
    results: list[str] = []
    threads = [threading.Thread(target=lambda: results.append(python(RUN))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert python(RUN) == "0 1"


@pytest.mark.parametrize("suffix", [".py", ".json", ".arrays", ".nbi", ".nbc"])
@pytest.mark.parametrize("keep", [0, 40])
def test_damaged_files(tmp_path, suffix, keep):
    python(RUN)
    files = [f for f in (tmp_path / "cache").rglob(f"*{suffix}") if f.is_file()]
    assert files
    for file in files:
        file.write_bytes(file.read_bytes()[:keep])
    regenerated = suffix in (".py", ".json", ".arrays")
    assert python(RUN).split()[0] == ("1" if regenerated else "0")
    assert python(RUN) == "0 1"


def test_directory_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    where = {"ADCOMPILE_CACHE_DIR": str(tmp_path / "file" / "below"), "TMPDIR": str(temporary)}
    assert python(RUN, **where) == "1 0"
    assert python(RUN, **where) == "0 1"  # the user's own directory in /tmp serves
    assert [p.name for p in temporary.iterdir()] == [f"adcompile-{os.getuid()}"]
    (temporary / f"adcompile-{os.getuid()}").chmod(0o777)  # anybody could plant code there
    assert python(RUN, **where) == "1 0"
    assert python(RUN, **where) == "1 0"
    assert len(list(temporary.iterdir())) == 1  # the processes' own are gone


def test_write_fails_after_the_directory_was_chosen(monkeypatch):
    real, failed = store._replace, []

    def full(path, data):
        if not failed:
            failed.append(path)
            raise OSError("disk full")
        real(path, data)

    monkeypatch.setattr(store, "_replace", full)
    loss = grad(weighted)
    np.testing.assert_array_equal(loss(X), 4 * X)
    assert failed
    assert loss.derivation.latest.path.parent == store.process_directory()


def test_without_cache(tmp_path):
    loss = grad(weighted, cache=False)
    np.testing.assert_array_equal(loss(X), 4 * X)
    assert not list(tmp_path.rglob("*.py"))
    path = loss.derivation.latest.path
    assert path.parent == store.process_directory()
    assert "cache=False" in path.read_text()


def test_metadata_is_readable(tmp_path):
    grad(weighted)(X)
    meta = json.loads(next((tmp_path / "cache").glob("*.json")).read_text())
    assert meta["entries"]["grad"].startswith("grad_")
    assert meta["forward_source"] == "FORWARD"


def test_pickle_here():
    loss = grad(weighted, ("x",), fastmath=True)
    assert pickle.loads(pickle.dumps(loss)) is loss


def test_pickle_to_another_process(tmp_path):
    source = tmp_path / "elsewhere.py"
    source.write_text("\n\ndef weighted(x, k=2.0):\n    return k * (x * x).sum()\n")
    scope: dict[str, object] = {}
    exec(compile(source.read_text(), str(source), "exec"), scope)
    for name, target in (("f", scope["weighted"]), ("d", numba.njit(scope["weighted"]))):
        loss = grad(target, ("x",), fastmath=True)
        (tmp_path / name).write_bytes(pickle.dumps(loss.value_and_grad))
    source.unlink()
    code = f"""
    import pickle, inspect
    for name in "fd":
        loss = pickle.load(open({str(tmp_path)!r} + "/" + name, "rb"))
        assert loss.kind == "value_and_grad" and loss.derivation.argnums == (0,)
        assert not loss.derivation.argnums.single and loss.derivation.options.fastmath is True
        value, (g,) = loss(t.X)
        assert (g == 4 * t.X).all()
        assert loss.primal(t.X) == 28.0
        print(inspect.getsource(loss.derivation.func).splitlines()[0])
    """
    assert python(code).splitlines() == ["def weighted(x, k=2.0):"] * 2


def test_threads_compile_together():
    loss = grad(weighted)

    @numba.njit
    def through(x):
        return loss(x)

    results = []
    calls = [lambda: loss(X), lambda: through(X), lambda: loss.value_and_grad(X)[1]] * 3
    threads = [threading.Thread(target=lambda c=c: results.append(c())) for c in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == 9
    for result in results:
        np.testing.assert_array_equal(result, 4 * X)
    assert len(CALLS) == 1


# ---------------------------------------------------------------- inference

TEXT = """def f(x, n, c=1.5):
    q = 1
    for i in range(n):
        t1 = x[i]
        if t1 > 0:
            y = x
            q = 2.5
        else:
            y = x[::2]
    pair = (t1, n)
    return pair[0] * q + y[0] * c
"""


def test_infer():
    given = (types.float64[::1], types.int64, types.Omitted(1.5))
    found, returns = infer(TEXT, "f", {"np": np}, given)
    assert returns == types.float64
    assert found["i"] == found["n"] == types.int64
    assert found["q"] == found["c"] == found["t1"] == types.float64
    assert found["y"] == types.float64[:]
    assert found["pair"] == types.Tuple((types.float64, types.int64))
    sites = infer_sites(TEXT, "f", {"np": np}, given).sites
    assert (sites[2, "q"], sites[7, "q"]) == (types.int64, types.float64)
    assert sites[6, "y"] == types.float64[::1]


def test_infer_failures():
    for body, line in (("a = n\n    b = foo(a)", 3), ("a = n\n    x.foo()", 3)):
        with pytest.raises(InferenceFailed) as caught:
            infer(f"def f(x, n):\n    {body}\n", "f", {}, (types.float64[:], types.int64))
        assert caught.value.line == line
    with pytest.raises(InferenceFailed, match="no one type for 'b'"):
        infer("def f(x, n):\n    b = x\n    b = n\n", "f", {}, (types.float64[:], types.int64))


def test_infer_is_quick():
    given = (types.float64[::1], types.int64, types.float64)
    infer(TEXT, "f", {}, given)
    start = time.perf_counter()
    for _ in range(5):
        infer(TEXT, "f", {}, given)
    print(f"infer: {(time.perf_counter() - start) / 5 * 1e3:.1f} ms")
