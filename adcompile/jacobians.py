"""Whole Jacobians, row by row or column by column."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from adcompile.api import Where, argument_positions, jvp, jvps, vjp
from adcompile.backends.cpu import DIRECTIONS, Argnums
from adcompile.backends.values import type_of_value
from adcompile.containers import children, for_numba, leaves, mapped
from adcompile.errors import UnsupportedError
from adcompile.frontend.parse import parse
from adcompile.rules.draws import draws

Array: TypeAlias = NDArray[Any]


def jacfwd(f: Callable[..., Any], argnums: Where = 0) -> Callable[..., Any]:
    """The Jacobian of ``f`` by forward mode: a pass for every 4 elements of the arguments.

    The result is a function of the same arguments.  For an output of shape S and an argument of
    shape A it returns an array of shape S + A; for a tuple of outputs a tuple of these; for a tuple
    of ``argnums`` a tuple inside of that.
    """
    positions = argument_positions(f, argnums)

    @functools.wraps(f)
    def jacobian_of(*args: Any, **keywords: Any) -> Any:
        given = _bound(f, args, keywords)
        if _draws(f, given):
            raise UnsupportedError(
                f"jacfwd of {f.__name__}: each pass would draw other random numbers",
                advice="Use jacrev, which runs the function once.",
            )
        out, blocks = _columns(f, given, positions)
        return _arranged(out, [given[k] for k in positions], blocks, positions.single)

    return jacobian_of


def jacrev(f: Callable[..., Any], argnums: Where = 0) -> Callable[..., Any]:
    """As ``jacfwd``, by reverse mode: one pass per element of the output."""
    positions = argument_positions(f, argnums)

    @functools.wraps(f)
    def jacobian_of(*args: Any, **keywords: Any) -> Any:
        given = _bound(f, args, keywords)
        out, pullback = vjp(f, *given)
        blocks = [_rows(out, pullback, given[k], k) for k in positions]
        return _arranged(out, [given[k] for k in positions], blocks, positions.single)

    return jacobian_of


def jacobian(f: Callable[..., Any], argnums: Where = 0) -> Callable[..., Any]:
    """As ``jacfwd``, by the mode that needs fewer passes."""
    positions = argument_positions(f, argnums)

    @functools.wraps(f)
    def jacobian_of(*args: Any, **keywords: Any) -> Any:
        given = _bound(f, args, keywords)
        out, pullback = vjp(f, *given)
        inputs = sum(np.size(leaf) for k in positions for leaf in leaves(given[k]))
        parts = list(leaves(out))
        by_columns = inputs < sum(map(np.size, parts)) or any(map(np.iscomplexobj, parts))
        if not _draws(f, given) and by_columns:
            out, blocks = _columns(f, given, positions)
        else:
            blocks = [_rows(out, pullback, given[k], k) for k in positions]
        return _arranged(out, [given[k] for k in positions], blocks, positions.single)

    return jacobian_of


def _draws(f: Callable[..., Any], args: Sequence[Any]) -> bool:
    return _draws_for(f, tuple(type_of_value(for_numba(arg)) for arg in args))


@functools.lru_cache(maxsize=256)
def _draws_for(f: Callable[..., Any], kinds: tuple[Any, ...]) -> bool:
    return draws(parse(f, kinds, lenient=True))


def _bound(f: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any]) -> list[Any]:
    bound = inspect.signature(getattr(f, "py_func", f)).bind(*args, **keywords)
    bound.apply_defaults()
    return list(bound.args)


Blocks: TypeAlias = list[list[Any]]  # by leaves of the output, by leaves of the argument


def _columns(
    f: Callable[..., Any], args: Sequence[Any], positions: Argnums
) -> tuple[Any, list[Blocks]]:
    """The output, and the Jacobians with respect to these arguments from tangents."""
    for k in positions:
        _check(args[k], k)
    out, tangents = _along(f, positions, tuple(args), _directions(args, positions))
    columns = iter([list(leaves(tangent)) for tangent in tangents])
    parts = list(leaves(out))
    # Integers among the outputs have no tangent.
    moving = [m for m, part in enumerate(parts) if _has_tangent(part)]
    found: list[Blocks] = []
    for k in positions:
        blocks: Blocks = [[] for _ in parts]
        for leaf in leaves(args[k]):
            own = list(islice(columns, np.size(leaf))) if _is_float(leaf) else []
            for m, part in enumerate(parts):
                block = None
                if _is_float(leaf) and m in moving:
                    shape = np.shape(part) + np.shape(leaf)
                    if own:
                        several = [np.asarray(one[moving.index(m)]) for one in own]
                        block = np.stack(several, -1).reshape(shape)[()]
                    else:
                        block = np.zeros(shape)
                blocks[m].append(block)
        found.append(blocks)
    return out, found


def _directions(args: Sequence[Any], positions: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    for k in positions:
        for _, units in _units(args[k]):
            for unit in units:
                yield (*(None,) * k, unit, *(None,) * (len(args) - k - 1))


def _along(
    f: Callable[..., Any],
    argnums: Argnums,
    args: tuple[Any, ...],
    directions: Iterator[tuple[Any, ...]],
) -> tuple[Any, list[Any]]:
    """The output, and its tangents in all these directions."""
    several = list(islice(directions, DIRECTIONS))
    if len(several) < 2:  # for which there is less to compile
        out, tangent = jvp(f, args, several[0] if several else (None,) * len(args))
        return out, [tangent] * len(several)
    out, found = jvps(f, argnums, args, several)
    while several := list(islice(directions, DIRECTIONS)):
        found += jvps(f, argnums, args, several)[1]
    return out, found


def _rows(out: Any, pullback: Callable[[Any], tuple[Any, ...]], arg: Any, k: int) -> Blocks:
    """As ``_columns``, from cotangents."""
    _check(arg, k)
    blocks: Blocks = []
    for part, units in _units(out):
        if np.iscomplexobj(part):
            raise TypeError("jacrev of a complex output: use jacfwd")
        rows = [list(_all_leaves(pullback(unit)[k])) for unit in units]
        row: list[Any] = []
        for n, leaf in enumerate(_all_leaves(arg)):
            block = None
            if _is_float(part) and _is_float(leaf):
                found = np.array([one[n] for one in rows], dtype=np.asarray(part).dtype)
                block = found.reshape(np.shape(part) + np.shape(leaf))[()]
            row.append(block)
        blocks.append(row)
    return blocks


def _check(arg: Any, k: int) -> None:
    if any(map(np.iscomplexobj, leaves(arg))):
        raise TypeError(
            f"argument {k} of a Jacobian is complex: give its real and imaginary parts, or use vjp"
        )
    if not any(map(_is_float, leaves(arg))):
        raise TypeError(f"argument {k} of a Jacobian must have a float or an array of floats")


def _is_float(value: Any) -> bool:
    return np.issubdtype(np.asarray(value).dtype, np.floating)


def _has_tangent(value: Any) -> bool:
    return _is_float(value) or np.iscomplexobj(value)


def _all_leaves(value: Any) -> Iterator[Any]:
    """``leaves``, None among them."""
    parts = children(value)
    if parts is None:
        yield value
    for part in parts or ():
        yield from _all_leaves(part)


def _units(value: Any) -> Iterator[tuple[Any, Iterator[Any]]]:
    """For each leaf: containers like ``value``, zero but for one element of the leaf."""
    every = list(leaves(value))
    for place, leaf in enumerate(every):
        yield leaf, (_with_leaf(value, every, place, unit) for unit in _basis(leaf))


def _with_leaf(value: Any, every: list[Any], place: int, unit: Any) -> Any:
    zeros = [np.zeros_like(x) if _has_tangent(x) else None for x in every]
    zeros[place] = unit
    return _filled(value, zeros)


def _filled(value: Any, parts: list[Any]) -> Any:
    """A container like ``value`` with these leaves."""
    following = iter(parts)
    return mapped(lambda _: next(following), value)


def _basis(value: Any) -> Iterator[Any]:
    """The unit tangents of a scalar or array of floats; none for anything else."""
    if not _is_float(value):
        return
    if np.ndim(value) == 0:
        yield 1.0
        return
    for place in np.ndindex(*np.shape(value)):
        unit: Array = np.zeros(np.shape(value), np.asarray(value).dtype)
        unit[place] = 1.0
        yield unit


def _arranged(out: Any, args: list[Any], blocks: list[Blocks], single: bool) -> Any:
    """By outputs first, by arguments inside."""
    rows = iter(zip(*blocks, strict=True))

    def of(leaf: Any) -> Any:
        parts = [_filled(arg, row) for arg, row in zip(args, next(rows), strict=True)]
        return parts[0] if single else tuple(parts)

    return mapped(of, out)
