"""Generated modules on disk, in one process and in several."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import threading

import numba
import numpy as np
import pytest

from adcompile import grad
from adcompile.backends import store
from tests import backend_stub
from tests.backend_stub import RUN, X, python, weighted


@pytest.fixture(autouse=True)
def pipeline(monkeypatch, tmp_path):
    backend_stub.install(monkeypatch, tmp_path)


def test_second_process_skips_everything():
    assert python(RUN) == "1 0"
    assert python(RUN) == "0 1"


def test_cached_caller(tmp_path):
    (tmp_path / "caller.py").write_text(
        "import numba\n"
        "from adcompile import grad\n"
        "from tests import backend_stub as t\n"
        "loss = grad(t.weighted)\n"
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


@pytest.mark.wide
@pytest.mark.parametrize("suffix", [".py", ".json", ".arrays", ".nbi", ".nbc", ".index", ".code"])
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
    real, failed = store.replace_file, []

    def full(path, data):
        if not failed:
            failed.append(path)
            raise OSError("disk full")
        real(path, data)

    monkeypatch.setattr(store, "replace_file", full)
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
    source.write_text(
        "\n\ndef weighted(x, k=2.0):\n    s = 0.0\n    for i in range(x.size):\n"
        "        s += x[i] * x[i]\n    return k * s\n"
    )
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
