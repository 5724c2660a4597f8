"""Whole Jacobians, row by row or column by column."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from adcompile.api import Where, argument_positions, jvp, vjp
from adcompile.errors import UnsupportedError
from adcompile.frontend.parse import parse
from adcompile.rules.draws import draws

Array: TypeAlias = NDArray[Any]


def jacfwd(f: Callable[..., Any], argnums: Where = 0) -> Callable[..., Any]:
    """The Jacobian of ``f`` by forward mode: one pass per element of the arguments.

    The result is a function of the same arguments.  For an output of shape S and an argument of
    shape A it returns an array of shape S + A; for a tuple of outputs a tuple of these; for a tuple
    of ``argnums`` a tuple inside of that.
    """
    positions = argument_positions(f, argnums)

    @functools.wraps(f)
    def jacobian_of(*args: Any, **keywords: Any) -> Any:
        given = _bound(f, args, keywords)
        if _draws(f):
            raise UnsupportedError(
                f"jacfwd of {f.__name__}: each pass would draw other random numbers",
                advice="Use jacrev, which runs the function once.",
            )
        blocks = [_columns(f, given, k) for k in positions]
        return _arranged(blocks, positions.single)

    return jacobian_of


def jacrev(f: Callable[..., Any], argnums: Where = 0) -> Callable[..., Any]:
    """As ``jacfwd``, by reverse mode: one pass per element of the output."""
    positions = argument_positions(f, argnums)

    @functools.wraps(f)
    def jacobian_of(*args: Any, **keywords: Any) -> Any:
        given = _bound(f, args, keywords)
        out, pullback = vjp(f, *given)
        blocks = [_rows(out, pullback, given[k], k) for k in positions]
        return _arranged(blocks, positions.single)

    return jacobian_of


def jacobian(f: Callable[..., Any], argnums: Where = 0) -> Callable[..., Any]:
    """As ``jacfwd``, by the mode that needs fewer passes."""
    positions = argument_positions(f, argnums)

    @functools.wraps(f)
    def jacobian_of(*args: Any, **keywords: Any) -> Any:
        given = _bound(f, args, keywords)
        out, pullback = vjp(f, *given)
        inputs = sum(np.size(given[k]) for k in positions)
        leaves = list(_leaves(out))
        by_columns = inputs < sum(map(np.size, leaves)) or any(map(np.iscomplexobj, leaves))
        if not _draws(f) and by_columns:
            blocks = [_columns(f, given, k) for k in positions]
        else:
            blocks = [_rows(out, pullback, given[k], k) for k in positions]
        return _arranged(blocks, positions.single)

    return jacobian_of


def _draws(f: Callable[..., Any]) -> bool:
    return draws(parse(f, lenient=True))


def _bound(f: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any]) -> list[Any]:
    bound = inspect.signature(getattr(f, "py_func", f)).bind(*args, **keywords)
    bound.apply_defaults()
    return list(bound.args)


def _columns(f: Callable[..., Any], args: Sequence[Any], k: int) -> Any:
    """The Jacobian with respect to argument ``k``, with the structure of the output."""
    _check(args[k], k)
    found = []
    for basis in _basis(args[k]):
        tangents = [None] * len(args)
        tangents[k] = basis
        found.append(jvp(f, tuple(args), tuple(tangents))[1])
    if not found:
        out, _ = jvp(f, tuple(args), (None,) * len(args))
        return _mapped(lambda part: np.zeros(np.shape(part) + np.shape(args[k])), out)

    def stacked(*columns: Any) -> Any:
        block = np.stack([np.asarray(c) for c in columns], axis=-1)
        return block.reshape(np.shape(columns[0]) + np.shape(args[k]))[()]

    return _mapped(stacked, *found)


def _rows(out: Any, pullback: Callable[[Any], tuple[Any, ...]], arg: Any, k: int) -> Any:
    """As ``_columns``, from cotangents."""
    _check(arg, k)
    if not isinstance(out, tuple):
        rows = [pullback(basis)[k] for basis in _basis(out)]
        return _block(rows, out, arg)
    blocks = []
    for place, part in enumerate(out):
        zeros = [_mapped(np.zeros_like, other) for other in out]
        rows = []
        for basis in _basis(part):
            seeds = list(zeros)
            seeds[place] = basis
            rows.append(pullback(tuple(seeds))[k])
        blocks.append(_block(rows, part, arg))
    return tuple(blocks)


def _block(rows: list[Any], part: Any, arg: Any) -> Any:
    if np.iscomplexobj(part):
        raise TypeError("jacrev of a complex output: use jacfwd")
    if not _is_float(part):
        return None
    block = np.array(rows, dtype=np.asarray(part).dtype)
    return block.reshape(np.shape(part) + np.shape(arg))[()]


def _check(arg: Any, k: int) -> None:
    if np.iscomplexobj(arg):
        raise TypeError(
            f"argument {k} of a Jacobian is complex: give its real and imaginary parts, or use vjp"
        )
    if not _is_float(arg):
        raise TypeError(f"argument {k} of a Jacobian must be a float or an array of floats")


def _is_float(value: Any) -> bool:
    return not isinstance(value, tuple) and np.issubdtype(np.asarray(value).dtype, np.floating)


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


def _leaves(out: Any) -> Iterator[Any]:
    if isinstance(out, tuple):
        for part in out:
            yield from _leaves(part)
    elif out is not None:
        yield out


def _mapped(f: Callable[..., Any], *trees: Any) -> Any:
    """``f`` on the leaves of trees of one structure."""
    if isinstance(trees[0], tuple):
        return tuple(_mapped(f, *parts) for parts in zip(*trees, strict=True))
    return None if trees[0] is None else f(*trees)


def _arranged(blocks: list[Any], single: bool) -> Any:
    """By outputs first, by arguments inside."""
    if single:
        return blocks[0]
    if isinstance(blocks[0], tuple):
        return tuple(_arranged(list(parts), False) for parts in zip(*blocks, strict=True))
    return tuple(blocks)
