"""The module of a derivative in forward mode: one function."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numba.core import types as nt

from adcompile.backends.cpu import Argnums
from adcompile.backends.store import Generated
from adcompile.emit.names import runtime_names
from adcompile.emit.pieces import decorator, digest, exceptions, header, imports, print_named
from adcompile.ir import nodes as ir
from adcompile.makers import makers_in
from adcompile.options import Options


def write_tangent_module(
    func: Any,
    fn: ir.Function,
    tangent: ir.Function,
    types: Mapping[ir.Var, nt.Type],
    argnums: Argnums,
    options: Options,
    argtypes: tuple[nt.Type, ...],
) -> Generated:
    """Print ``tangent``, the tangent of ``fn``, and put a module around it."""
    py_func: Callable[..., Any] = getattr(func, "py_func", func)
    constants = {var.name: np.asarray(value) for var, value in fn.constants}
    kinds = {var: str(kind) for var, kind in types.items()}
    reserved = {*constants, *fn.makers, *makers_in(argtypes)}
    text, _, _ = print_named(tangent, kinds, reserved, options.parallel)
    content = "\n".join((text, str(options), str(argnums), digest(constants)))
    suffix = "_" + hashlib.sha256(content.encode()).hexdigest()[:10]
    top = header(py_func, fn, argtypes, options, constants)
    pieces = [top, imports(sorted(runtime_names(tangent)), [text]), exceptions(fn, [text])]
    body = "\n".join(piece for piece in pieces if piece)
    named = text.replace(f"def {tangent.name}(", f"def {tangent.name}{suffix}(", 1)
    return Generated(
        name=fn.name,
        text=f"{body}\n\n{decorator(options, text)}\n{named}",
        entries={argnums.mode: f"{tangent.name}{suffix}"},
        forward_source=text,
        adjoint_source="",
        constants=constants,
        callees=fn.callees,
    )
