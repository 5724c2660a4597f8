"""The key under which a generated module is kept on disk: the same for the same program, wherever
it stands and however it is written.

Apart from the pipeline, because a process that finds its module on disk needs no more of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from adcompile.frontend.parse import parse
from adcompile.ir import nodes as ir
from adcompile.makers import class_named, described, makers_in
from adcompile.reach import is_function
from adcompile.setting import setting

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
    checked = getattr(func, "targetoptions", {}).get("error_model")  # see normalise/guards.py
    kind = f"{hasattr(func, 'py_func')} {checked}"
    parts = (program, types, repr(argnums), str(has_aux), repr(options), kind, setting())
    text = "\n".join(parts)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


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
