"""NumPy functions that Numba lacks, for plain ``@njit`` code: ``import adcompile.overloads``.

Importing this module gives Numba ``np.einsum``, ``np.max(x, axis=0)``, ``np.sum(x, axis=(0, 1),
keepdims=True)`` and the other array functions and keywords that adcompile knows.  A call that Numba
itself supports stays what it was: these overloads are asked last.

The implementation of a call is what adcompile makes of it in a function that it differentiates:
loops over elements, and library calls for matrices.  So subscripts, axes and the like must be
literals, as they must be there.  Results are new arrays, also where NumPy would make a view;
functions that are views and nothing else are left out.  Methods (``x.max(axis=0)``) and
ufuncs (``np.matmul``) cannot be added to Numba from outside: write ``np.max(x, axis=0)`` and
``a @ b``.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numba.core import types as nt
from numba.extending import overload

from adcompile.analysis.alias import VIEWS
from adcompile.arrays.expand import expand, result_type
from adcompile.arrays.signatures import EXTENTS, SEQUENCES, SIGNATURES, WIDTHS, array_function
from adcompile.emit.destruct import destruct
from adcompile.emit.names import appearance
from adcompile.emit.source import print_function
from adcompile.errors import AdcompileError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_blocks
from adcompile.normalise.tuples import split_tuples
from adcompile.rules.library import NAMES
from adcompile.runtime.modules import MODULES

_LEFT_OUT = frozenset(
    ["array", "asarray", "ascontiguousarray", "ndim", "real", "size", "meshgrid", "ix_"]
)
_NAMESPACE: dict[str, Any] = {"np": np, "math": math, "BroadcastError": ValueError}
for _module in MODULES:
    _NAMESPACE.update(vars(_module))


def _implementation(name: str, kinds: Sequence[Any]) -> Callable[..., Any] | None:
    """A function of the arguments of ``name`` for these types, in Python that Numba compiles; None
    if there is none."""
    signature = SIGNATURES[name]
    params: list[ir.Var] = []
    types: dict[ir.Var, nt.Type] = {}
    args: list[ir.Expr] = []
    for parameter, kind in zip(signature.parameters.parameters, kinds, strict=True):
        var = ir.Var(parameter)
        params.append(var)
        if isinstance(kind, tuple):
            kind = nt.Tuple([nt.unliteral(k) for k in kind])
        varies = parameter in signature.operands or parameter in (*SEQUENCES, *EXTENTS, *WIDTHS)
        if varies and _is_value(kind):
            types[var] = nt.unliteral(kind)
            args.append(var)
            continue
        known = _literal(kind)
        if known is None:
            return None
        args.append(known)
    call = ir.Apply(f"arr.{name}", tuple(args))
    try:
        result = ir.Var("result")
        types[result] = result_type(call, types)
        body = (ir.Assign(result, call), ir.Return((result,)))
        fn = expand(ir.Function(name, tuple(params), body), types, compiled=True)
    except AdcompileError:
        return None
    fn = replace(fn, body=_without_shapes(fn.body))
    return _compiled(destruct(split_tuples(fn, types)), signature.parameters)


def _without_shapes(block: ir.Block) -> ir.Block:
    """Library calls in loops as they are called: the shapes beside them are for derivatives."""
    return tuple(
        replace(stmt, keywords=())
        if isinstance(stmt, ir.Alloc) and stmt.fn in NAMES
        else map_blocks(_without_shapes, stmt)
        for stmt in block
    )


def _is_value(kind: Any) -> bool:
    """Numbers, arrays, and tuples of them: what is known when the function runs."""
    if isinstance(kind, nt.BaseTuple):
        return all(map(_is_value, kind))
    return isinstance(kind, nt.Array | nt.Number | nt.Boolean)


def _literal(kind: Any) -> ir.Expr | None:
    """The value of an argument that is known while compiling."""
    if kind is None or isinstance(kind, bool | int | float | str):
        return ir.Const(kind)
    if isinstance(kind, nt.NoneType):
        return ir.Const(None)
    if isinstance(kind, nt.Omitted):
        return _literal(kind.value)
    if isinstance(kind, nt.Literal):
        return ir.Const(kind.literal_value)
    if isinstance(kind, tuple | nt.BaseTuple):
        parts = [_literal(part) for part in kind]
        known = [part for part in parts if part is not None]
        return ir.MakeTuple(tuple(known)) if len(known) == len(parts) else None
    return None


def _compiled(fn: ir.Function, signature: inspect.Signature) -> Callable[..., Any]:
    taken = {var.name for var in fn.params}
    names = {var: var.name for var in fn.params}
    for k, var in enumerate(appearance(fn)):
        if var not in names:
            names[var] = f"{var.name}_{k}_"
    assert len(taken) == len(fn.params)
    text, _ = print_function(fn, names)
    _, _, body = text.partition(":\n")
    scope = dict(_NAMESPACE)
    exec(f"def implementation({_header(signature)}):\n{body}", scope)
    found: Callable[..., Any] = scope["implementation"]
    return found


def _header(signature: inspect.Signature) -> str:
    """The parameters as in a def, but for those that are keywords only: Numba has none."""
    kept = [p for p in signature.parameters.values() if p.kind is not p.KEYWORD_ONLY]
    return str(signature.replace(parameters=kept))[1:-1]


def register(name: str, *functions: object) -> None:
    """Give Numba an overload of these functions: the array function ``name``."""
    signature = SIGNATURES[name].parameters
    parts = ", ".join(
        repr(p.default) if p.kind is p.KEYWORD_ONLY else p.name
        for p in signature.parameters.values()
    )
    scope: dict[str, Any] = {"implementation": _implementation}
    text = (
        f"def overloaded({_header(signature)}):\n    return implementation({name!r}, [{parts}])\n"
    )
    exec(text, scope)
    for function in functions:
        overload(function, strict=False, jit_options={"error_model": "numpy"})(scope["overloaded"])


def _register_all() -> None:
    found: dict[str, dict[int, object]] = {}
    places: list[Any] = [np, np.linalg]
    try:
        import scipy.linalg
        import scipy.special

        places += [scipy.special, scipy.linalg]
    except ImportError:
        pass
    for place in places:
        for own in dir(place):
            function = getattr(place, own)
            if isinstance(function, np.ufunc):
                continue  # Numba lowers these itself, or not at all
            if callable(function) and (name := array_function(function)) is not None:
                found.setdefault(name, {})[id(function)] = function
    for name, functions in found.items():
        is_view = f"arr.{name}" in VIEWS and name != "einsum"
        if not is_view and name not in _LEFT_OUT:
            register(name, *functions.values())


_register_all()
