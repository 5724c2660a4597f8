"""Generated modules on disk: ``fingerprint -> text`` across processes, imported from real files.

A module file is named by the hash of its content, a small json file by the fingerprint of what
was asked for.  Both are written aside and renamed, so that processes may race.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import importlib.abc
import importlib.machinery
import importlib.util
import io
import json
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from adcompile.backends.parts import compile_in_callers

FORMAT = 1  # of the json file
PREFIX = "_adcompile_"  # of module names

_Arrays: TypeAlias = Mapping[str, NDArray[Any]]
_TEXTS = ("name", "forward_source", "adjoint_source", "explanation", "outputs")


@dataclass(frozen=True)
class Generated:
    """What the pipeline makes for one specialisation.  ``text`` is a complete module."""

    name: str
    text: str
    entries: Mapping[str, str]
    forward_source: str
    adjoint_source: str
    fused_source: str | None = None
    explanation: str = ""
    constants: _Arrays = field(default_factory=dict)
    outputs: str = ""
    callees: tuple[Any, ...] = ()  # the user's functions that it calls, not on disk


@dataclass(frozen=True)
class Loaded:
    """A specialisation whose module is imported."""

    generated: Generated
    module: ModuleType
    path: Path

    def entry(self, kind: str) -> Any:
        return getattr(self.module, self.generated.entries[kind])


# ---------------------------------------------------------------- where


def cache_directory() -> Path:
    """The first that can be written of: ADCOMPILE_CACHE_DIR, the user's cache, a temporary one."""
    for candidate in candidates():
        if _writable(candidate):
            return candidate
    return process_directory()


@functools.cache
def process_directory() -> Path:
    """A directory of this process alone, gone when it ends."""
    made = tempfile.mkdtemp(prefix="adcompile-")
    owner = os.getpid()

    def remove() -> None:
        if os.getpid() == owner:  # not in a forked child
            shutil.rmtree(made, ignore_errors=True)

    atexit.register(remove)
    return Path(made)


def candidates() -> Iterator[Path]:
    chosen = os.environ.get("ADCOMPILE_CACHE_DIR")
    if chosen:
        yield Path(chosen).expanduser().absolute()
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        if os.path.isabs(base):
            yield Path(base) / "adcompile"
    shared = Path(tempfile.gettempdir()) / f"adcompile-{os.getuid() if _POSIX else 'user'}"
    if _private(shared):
        yield shared


_POSIX = hasattr(os, "getuid")


def _private(directory: Path) -> bool:
    """Code is run from there, and anybody may have made a directory of that name in /tmp."""
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        info = os.lstat(directory)
    except OSError:
        return False
    if not stat.S_ISDIR(info.st_mode):
        return False
    return not _POSIX or (info.st_uid == os.getuid() and not info.st_mode & 0o022)


def _writable(directory: Path) -> bool:
    # Numba's own cache goes to __pycache__ beside the module: if only that cannot be written,
    # Numba would go elsewhere or fail.
    try:
        inner = directory / "__pycache__"
        inner.mkdir(parents=True, exist_ok=True)
        for place in (directory, inner):
            tempfile.TemporaryFile(dir=place).close()
    except OSError:
        return False
    return True


# ---------------------------------------------------------------- load and save


def load(fingerprint: str, functions: Mapping[str, Any]) -> Loaded | None:
    """The module of an earlier process; None if there is none, or if its files are damaged.
    ``functions``: what it calls of the user's."""
    directory = cache_directory()
    try:
        meta = json.loads((directory / f"{fingerprint}.json").read_text("utf-8"))
        path = directory / meta["module"]
        data = path.read_bytes()
        arrays = (directory / meta["arrays"]).read_bytes() if meta["arrays"] else b""
        if meta["format"] != FORMAT or meta["digest"] != _digest(data, arrays):
            return None
        generated = Generated(
            text=data.decode("utf-8"),
            entries=dict(meta["entries"]),
            fused_source=meta["fused_source"],
            constants=_unpacked(arrays),
            **{name: str(meta[name]) for name in _TEXTS},  # type: ignore[arg-type]
        )
        return Loaded(generated, _imported(path, generated, functions), path)
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None


def save(
    fingerprint: str,
    generated: Generated,
    persistent: bool = True,
    functions: Mapping[str, Any] = MappingProxyType({}),
) -> Loaded:
    """Write ``generated`` and import it.  Not ``persistent``: only for this process."""
    frozen = {name: _frozen(value) for name, value in generated.constants.items()}
    generated = Generated(**{**generated.__dict__, "constants": frozen})
    directory = cache_directory() if persistent else process_directory()
    try:
        path = _write(directory, fingerprint, generated)
    except OSError:  # full or lost since it was chosen
        path = _write(process_directory(), fingerprint, generated)
    return Loaded(generated, _imported(path, generated, functions), path)


def _write(directory: Path, fingerprint: str, generated: Generated) -> Path:
    data, arrays = generated.text.encode("utf-8"), _packed(generated.constants)
    digest = _digest(data, arrays)
    stem = f"adc_{re.sub(r'[^0-9A-Za-z_]', '_', generated.name)}_{digest[:20]}"
    meta: dict[str, object] = {
        "format": FORMAT,
        "digest": digest,
        "module": f"{stem}.py",
        "arrays": f"{stem}.arrays" if arrays else None,
        "entries": dict(generated.entries),
        "fused_source": generated.fused_source,
    }
    meta.update({name: getattr(generated, name) for name in _TEXTS})
    path = directory / f"{stem}.py"
    if arrays:
        replace_file(directory / f"{stem}.arrays", arrays)
    replace_file(path, data)
    # Last, so that it never names files that are not there yet.
    replace_file(directory / f"{fingerprint}.json", json.dumps(meta, indent=1).encode("utf-8"))
    return path


def replace_file(path: Path, data: bytes) -> None:
    try:
        if path.read_bytes() == data:  # leaves the time stamp, and readers in peace
            return
    except OSError:
        pass
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(aside, path)
    except OSError:
        Path(aside).unlink(missing_ok=True)
        raise


def _digest(data: bytes, arrays: bytes) -> str:
    return hashlib.sha256(hashlib.sha256(data).digest() + arrays).hexdigest()


def _frozen(value: NDArray[Any]) -> NDArray[Any]:
    copy = np.array(value, order="C", copy=True)
    copy.setflags(write=False)
    return copy


def _packed(constants: _Arrays) -> bytes:
    """One stream of .npy, names first: npz would put the time of day in its bytes."""
    if not constants:
        return b""
    stream = io.BytesIO()
    stream.write(json.dumps(list(constants)).encode("utf-8") + b"\n")
    for value in constants.values():
        np.save(stream, value, allow_pickle=False)
    return stream.getvalue()


def _unpacked(data: bytes) -> dict[str, NDArray[Any]]:
    if not data:
        return {}
    stream = io.BytesIO(data)
    names = json.loads(stream.readline())
    return {name: _frozen(np.load(stream, allow_pickle=False)) for name in names}


# ---------------------------------------------------------------- import


class _Loader(importlib.machinery.SourceFileLoader):
    """Runs the text that was verified, with the captured arrays in place.

    Python's .pyc files are left out: a truncated one would be an error at import.
    """

    def __init__(self, name: str, path: Path, text: str, constants: _Arrays) -> None:
        super().__init__(name, str(path))
        self.text, self.constants = text, constants

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__.update(self.constants)
        exec(compile(self.text, self.path, "exec"), module.__dict__)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds generated modules by name, for Numba: machine code of the user's, cached with ours
    linked in, names the modules that it needs."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        stem = fullname.removeprefix(PREFIX)
        if stem == fullname:
            return None
        file = cache_directory() / f"{stem}.py"
        arrays = file.with_suffix(".arrays")
        data, packed = file.read_bytes(), arrays.read_bytes() if arrays.exists() else b""
        if not stem.endswith(_digest(data, packed)[:20]):
            # Missing or damaged: an OSError, and Numba compiles afresh.
            raise FileNotFoundError(f"{file} is damaged")
        loader = _Loader(fullname, file, data.decode("utf-8"), _unpacked(packed))
        return importlib.util.spec_from_file_location(fullname, file, loader=loader)


sys.meta_path.append(_Finder())


def _imported(path: Path, generated: Generated, functions: Mapping[str, Any]) -> ModuleType:
    """The module of that file, once per process, in sys.modules under its own hashed name."""
    name = PREFIX + path.stem
    known = sys.modules.get(name)
    if known is not None and known.__file__ == str(path):
        known.__dict__.update(functions)  # Numba may have imported it without them
        return known
    entries = set(generated.entries.values())
    loader = _Loader(name, path, generated.text, generated.constants)
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    module.__dict__.update(functions)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    for value in list(module.__dict__.values()):
        if getattr(value, "__module__", None) == name and value.__name__ not in entries:
            compile_in_callers(value)
    return module


def drop_compiled(path: Path, numba_cache: str | None) -> None:
    """Remove Numba's own cache files of a module: they turned out to be damaged."""
    place = Path(numba_cache) if numba_cache else path.parent / "__pycache__"
    for file in place.glob(f"{path.stem}.*.nb[ic]"):
        file.unlink(missing_ok=True)
