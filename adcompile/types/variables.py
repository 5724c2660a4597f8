"""The Numba type of every variable of an ssa program, by letting Numba infer its text."""

from __future__ import annotations

import cmath
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numba.core import types as nt
from numba.core.registry import cpu_target

from adcompile.arrays.expand import result_type
from adcompile.emit.destruct import destruct
from adcompile.emit.names import appearance
from adcompile.emit.source import print_function
from adcompile.errors import AdcompileError, Loc, UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_blocks, statements
from adcompile.makers import class_named
from adcompile.normalise.unset import without_unset
from adcompile.runtime import arrays, likelihood, special
from adcompile.types import keys as _keys  # noqa: F401
from adcompile.types.infer import InferenceFailed, infer_sites
from adcompile.types.stubs import Stub, with_stubs

_NO_NUMBER = re.compile(r"Cannot unify \S+ and (?:array\((\w+), (\d)d, \w\)|.+) for '(\w+)")


def infer_variables(
    fn: ir.Function,
    argtypes: tuple[nt.Type, ...],
    callees: Mapping[str, Any],
    starts: Mapping[ir.Var, nt.Type | None] = MappingProxyType({}),
) -> tuple[dict[ir.Var, nt.Type], nt.Type]:
    """Types by variable, and the type of the result.  Each variable has a name of its own in the
    text, so the types cannot be confused.  ``callees``: the user's functions that stay calls;
    ``starts``: types of what is unset before a loop, where it is no number, None for others than
    arrays."""
    stubs: dict[str, Stub] = {}
    begun: dict[ir.Var, ir.Var] = {}
    stubbed = _stubbed(fn, argtypes, stubs)
    plain = destruct(without_unset(stubbed, starts, begun))
    names = _names(plain)
    kinds = tuple(plain_type(kind) for kind in argtypes)
    text, lines = print_function(plain, names, None, False)
    try:
        made = infer_sites(text, plain.name, _namespace(plain, names, stubs, callees), kinds)
    except InferenceFailed as failed:
        found_wrong = _refusal(failed, fn, lines, stubs)
        stubs_failed = any(stub.failure is not None for stub in stubs.values())
        if not stubs_failed and (other := _NO_NUMBER.search(failed.message)) is not None:
            wish = re.sub(r"_\d+_$", "", other[3])  # the variable's name, or of one that it joins
            heads = [h for h in dict.fromkeys(begun.values()) if h.name == wish and h not in starts]
            if heads:
                kind = nt.Array(getattr(nt, other[1]), int(other[2]), "C") if other[1] else None
                more = {**starts, **dict.fromkeys(heads, kind)}
                return infer_variables(fn, argtypes, callees, more)
        raise found_wrong from None
    found = {var: made.types[name] for var, name in names.items() if name in made.types}
    for param, kind in zip(fn.params, kinds, strict=True):
        found[param] = kind
    _hand_on(fn, found)
    if None in starts.values():
        _check_joins(fn, found)
    for var, value in fn.constants:
        assert isinstance(value, np.ndarray)
        found[var] = nt.Array(_dtype(value), value.ndim, "C", readonly=True)
    return found, made.returns


def _hand_on(fn: ir.Function, found: dict[ir.Var, nt.Type]) -> None:
    """Types of what the text left out: an unset variable has the type of what it becomes."""
    size = -1
    while size != len(found):
        size = len(found)
        for stmt in statements(fn.body):
            if isinstance(stmt, ir.For | ir.While):
                for c in stmt.carried:
                    if c.next in found:
                        found.setdefault(c.head, found[c.next])
                        found.setdefault(c.out, found[c.next])
            elif isinstance(stmt, ir.If):
                for j in stmt.joins:
                    for part in (j.then, j.orelse):
                        if part is not None and part in found:
                            found.setdefault(j.out, found[part])
            elif isinstance(stmt, ir.Assign) and isinstance(stmt.value, ir.Var):
                if stmt.value in found:  # else Numba has seen that this is never reached
                    found.setdefault(stmt.target, found[stmt.value])


def _check_joins(fn: ir.Function, found: Mapping[ir.Var, nt.Type]) -> None:
    """What joins left out has the type that was found without it."""
    for stmt in statements(fn.body):
        groups: list[tuple[ir.Var, tuple[ir.Var | None, ...]]] = []
        if isinstance(stmt, ir.If):
            groups = [(j.out, (j.then, j.orelse)) for j in stmt.joins]
        elif isinstance(stmt, ir.For | ir.While):
            groups = [(c.head, (c.init, c.next)) for c in stmt.carried]
        for out, parts in groups:
            for kind in (found[v] for v in parts if v is not None and v in found):
                if out in found and _unified(found[out], kind) != nt.unliteral(found[out]):
                    raise UnsupportedError(
                        f"{out.name} is {found[out]} on one path, and {kind} on another",
                        stmt.loc,
                        "Give it one type before the loop.",
                    )


def _unified(a: nt.Type, b: nt.Type) -> nt.Type | None:
    return cpu_target.typing_context.unify_types(nt.unliteral(a), nt.unliteral(b))


def infer_plain(
    fn: ir.Function, argtypes: tuple[nt.Type, ...], callees: Mapping[str, Any]
) -> dict[ir.Var, nt.Type]:
    """Types of the variables of a program in the plain dialect, but of those that have several."""
    stubs: dict[str, Stub] = {}
    plain = destruct(_stubbed(fn, argtypes, stubs))
    names = _names(plain)
    text, lines = print_function(plain, names, None, False)
    space = _namespace(plain, names, stubs, callees)
    kinds = tuple(plain_type(kind) for kind in argtypes)
    try:
        made = infer_sites(text, plain.name, space, kinds, lenient=True)
    except InferenceFailed as failed:
        raise _refusal(failed, fn, lines, stubs) from None
    return {var: made.types[name] for var, name in names.items() if name in made.types}


def _stubbed(fn: ir.Function, argtypes: tuple[nt.Type, ...], stubs: dict[str, Stub]) -> ir.Function:
    kinds_named = f"{argtypes}{[s for s in statements(fn.body) if isinstance(s, ir.Alloc)]}"
    narrow = "float32" in kinds_named or "complex64" in kinds_named

    def block(stmts: ir.Block) -> ir.Block:
        return tuple(map_blocks(block, with_stubs(s, result_type, stubs, narrow)) for s in stmts)

    return replace(fn, body=block(fn.body))


def _names(plain: ir.Function) -> dict[ir.Var, str]:
    """A name of its own for each variable."""
    names: dict[ir.Var, str] = {}
    for k, var in enumerate(appearance(plain)):
        names[var] = var.name if var in plain.params else f"{var.name}_{k}_"
    for var, _ in plain.constants:
        names[var] = f"{var.name}_captured_"
    return names


def _namespace(
    fn: ir.Function,
    names: Mapping[ir.Var, str],
    stubs: Mapping[str, Stub],
    callees: Mapping[str, Any],
) -> dict[str, Any]:
    """What the text sees."""
    namespace: dict[str, Any] = {"np": np, "math": math, "cmath": cmath}
    namespace.update(vars(arrays))
    namespace.update(vars(special))
    namespace.update(vars(likelihood))
    namespace.update({names[var]: value for var, value in fn.constants})
    namespace.update(dict(fn.exceptions))
    namespace.update(stubs)
    namespace.update(callees)
    namespace.update({name: class_named(name) for name in fn.makers})
    return namespace


def _refusal(
    failed: InferenceFailed,
    fn: ir.Function,
    lines: Mapping[int, Loc],
    stubs: Mapping[str, Stub],
) -> AdcompileError:
    loc = lines.get(failed.line, fn.loc) if failed.line is not None else fn.loc
    for stub in stubs.values():
        if (wrong := stub.failure) is not None:
            if wrong.loc is None or not wrong.loc.line:
                wrong = type(wrong)(wrong.message, loc, wrong.advice)
            return wrong
    return UnsupportedError(
        f"Numba cannot type this: {failed.message}",
        loc,
        "adcompile differentiates what Numba compiles in nopython mode.",
    )


def _dtype(value: np.ndarray[Any, Any]) -> nt.Type:
    from numba.np.numpy_support import from_dtype

    return from_dtype(value.dtype)


def plain_type(kind: nt.Type) -> nt.Type:
    """An omitted argument has the type of its default."""
    if isinstance(kind, nt.Omitted):
        from numba import typeof

        return typeof(kind.value)
    return nt.unliteral(kind)
