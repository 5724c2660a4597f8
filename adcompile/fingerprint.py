"""The key under which a derivative is kept on disk.

Apart from the pipeline, because a process that finds its module on disk needs no more of it.
"""

from __future__ import annotations

import hashlib
import os
import platform
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from typing import Any

import llvmlite.binding as llvm
import numba
import numpy as np
from numba.core import types

from adcompile.frontend.parse import parse
from adcompile.ir import nodes as ir
from adcompile.makers import class_named, described, makers_in
from adcompile.version import __version__

Types = tuple[Any, ...]


def fingerprint(
    func: Any,
    argtypes: Types,
    argnums: object,
    has_aux: bool,
    options: object,
    parsed: ir.Function | None = None,
) -> str:
    """A hash over all that decides the generated text: the program with its callees and globals,
    types, options, versions and the processor.  ``parsed``: the program, where it is known."""
    program = describe(parse(func, argtypes) if parsed is None else parsed)
    types = ", ".join("function" if is_function(kind) else str(kind) for kind in argtypes)
    types += described(makers_in(argtypes))
    parts = (program, types, repr(argnums), str(has_aux), repr(options), setting())
    text = "\n".join(parts)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def is_function(kind: Any) -> bool:
    """The type of a function that is an argument, or the default of one."""
    omitted = isinstance(kind, types.Omitted) and callable(kind.value)
    return omitted or isinstance(kind, types.Dispatcher | types.Function)


@lru_cache(maxsize=1)
def setting() -> str:
    """Versions, the files of adcompile itself, and the processor."""
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
    for folder, _, names in os.walk(os.path.dirname(__file__)):
        for name in names:
            if name.endswith(".py"):
                status = os.stat(os.path.join(folder, name))
                found.append((name, status.st_size, status.st_mtime_ns))
    return hashlib.sha256(repr(sorted(found)).encode()).hexdigest()[:16]


def describe(fn: ir.Function) -> str:
    """The program as text that is the same in every process."""
    numbers: dict[ir.Var, int] = {}

    def show(x: object) -> str:
        match x:
            case ir.Var():
                return f"{x.name}#{numbers.setdefault(x, len(numbers))}"
            case tuple():
                return "(" + ",".join(show(item) for item in x) + ")"
            case np.ndarray():
                digest = hashlib.sha256(np.ascontiguousarray(x).tobytes()).hexdigest()
                return f"array {x.dtype} {x.shape} {digest}"
            case type():
                return f"{x.__module__}.{x.__qualname__}"
            case _ if is_dataclass(x):
                inner = ",".join(show(getattr(x, f.name)) for f in fields(x))
                return f"{type(x).__name__}({inner})"
            case _:
                return repr(x)

    makers = described({name: class_named(name) for name in fn.makers})
    return show(replace(fn, doc="")) + makers
