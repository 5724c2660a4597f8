"""Where a derivative is made: versions, the files of adcompile itself, the processor."""

from __future__ import annotations

import hashlib
import os
import platform
from functools import lru_cache

import llvmlite.binding as llvm
import numba
import numpy as np

from adcompile.version import __version__


@lru_cache(maxsize=1)
def setting() -> str:
    return " ".join(
        (
            f"adcompile {__version__} {own_files()}",
            f"numba {numba.__version__}",
            f"numpy {np.__version__}",
            platform.python_version(),
            llvm.get_host_cpu_name(),
        )
    )


def own_files() -> str:
    """Which adcompile this is, between two versions as well: sizes and times of its files."""
    found: list[tuple[str, int, int]] = []
    folders = [os.path.dirname(__file__)]
    for folder in folders:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    status = entry.stat()
                    found.append((entry.path, status.st_size, status.st_mtime_ns))
                elif entry.name != "__pycache__" and entry.is_dir():
                    folders.append(entry.path)
    return hashlib.sha256(repr(sorted(found)).encode()).hexdigest()[:16]


@lru_cache(maxsize=1)
def runtime_files() -> str:
    """What generated code calls of adcompile: a hash of the text."""
    made = hashlib.sha256()
    top = os.path.join(os.path.dirname(__file__), "runtime")
    for folder, inner, names in os.walk(top):
        inner.sort()
        for name in sorted(names):
            if name.endswith(".py"):
                with open(os.path.join(folder, name), "rb") as file:
                    made.update(name.encode() + file.read())
    return made.hexdigest()[:8]
