"""Parameters as trees: an array, or tuples (named or not), lists and dicts of trees.

In njit code trees are tuples, of any nesting; what walks them is unrolled while compiling.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numba.core import types
from numba.core.errors import TypingError
from numba.extending import overload

Tree: TypeAlias = Any
Path: TypeAlias = tuple[int, ...]

_LAYOUT = "parameters and gradients are C-contiguous arrays: np.ascontiguousarray makes one"


def leaves(tree: Tree) -> list[Any]:
    """The arrays of a tree, in order; of dicts in the order of their keys' insertion."""
    if isinstance(tree, dict):
        return [leaf for key in tree for leaf in leaves(tree[key])]
    if isinstance(tree, tuple | list):
        return [leaf for part in tree for leaf in leaves(part)]
    if not isinstance(tree, np.ndarray):
        raise TypeError(f"parameters are arrays and tuples, lists, dicts of them, not {tree!r}")
    return [tree]


def rebuilt(tree: Tree, arrays: list[Any]) -> Tree:
    """A tree like ``tree`` with these leaves."""
    left = list(arrays)
    found = _rebuilt(tree, left)
    if left:
        raise ValueError(f"{len(left)} arrays more than the tree has leaves")
    return found


def _rebuilt(tree: Tree, left: list[Any]) -> Tree:
    if isinstance(tree, dict):
        return {key: _rebuilt(part, left) for key, part in tree.items()}
    if isinstance(tree, tuple | list):
        parts = [_rebuilt(part, left) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    if not left:
        raise ValueError("fewer arrays than the tree has leaves")
    return left.pop(0)


def zeros_like(tree: Tree) -> Tree:
    """Zeros in the shape of each array of a tree."""
    return rebuilt(tree, [np.zeros_like(leaf) for leaf in leaves(tree)])


def copy(tree: Tree) -> Tree:
    """The same tree with copies of its arrays."""
    return rebuilt(tree, [leaf.copy() for leaf in leaves(tree)])


def each(update: Callable[..., None], trees: tuple[Tree, ...], numbers: tuple[Any, ...]) -> None:
    """``update(first leaf of every tree, numbers)``, and so on for all leaves: ``update`` takes a
    tuple of flat arrays, which it may write into, and the tuple of numbers."""
    lists = [_like(trees[0], tree) for tree in trees]
    for arrays in zip(*lists, strict=True):
        update(tuple(_flat(a) for a in arrays), numbers)


def total(measure: Callable[[Any], float], tree: Tree) -> float:
    """The sum over leaves of ``measure(flat leaf)``."""
    result = 0.0
    for leaf in leaves(tree):
        result += measure(_flat(leaf))
    return result


def _flat(leaf: Any) -> Any:
    if not leaf.flags.c_contiguous:
        raise ValueError(_LAYOUT)
    return leaf.reshape(-1)


def _like(first: Tree, tree: Tree) -> list[Any]:
    """The leaves of ``tree`` in the order of ``first``; dicts are matched by key."""
    if isinstance(first, dict):
        if not isinstance(tree, dict) or first.keys() != tree.keys():
            raise ValueError(f"the trees differ: keys {list(first)} and {_shown(tree)}")
        return [leaf for key in first for leaf in _like(first[key], tree[key])]
    if isinstance(first, tuple | list):
        if not isinstance(tree, tuple | list) or len(first) != len(tree):
            raise ValueError(f"the trees differ: {len(first)} entries and {_shown(tree)}")
        return [leaf for a, b in zip(first, tree) for leaf in _like(a, b)]
    if np.shape(first) != np.shape(tree):
        raise ValueError(f"the trees differ: shapes {np.shape(first)} and {np.shape(tree)}")
    return leaves(tree)


def _shown(tree: Tree) -> str:
    return str(list(tree)) if isinstance(tree, dict) else f"{type(tree).__name__}"


# ---------------------------------------------------------------- in njit code


def _paths(kind: types.Type) -> list[Path]:
    """Subscripts that lead to the leaves of a tree of this type."""
    if isinstance(kind, types.BaseTuple):
        return [(k, *rest) for k, part in enumerate(kind) for rest in _paths(part)]
    if not isinstance(kind, types.Array):
        raise TypingError(f"parameters are arrays and tuples of them in njit code, not {kind}")
    if kind.layout != "C":
        raise TypingError(f"{_LAYOUT}, not {kind}")
    return [()]


def _at(name: str, path: Path) -> str:
    return name + "".join(f"[{k}]" for k in path)


def _flat_at(name: str, path: Path) -> str:
    return f"{_at(name, path)}.reshape(-1)"


def _making(kind: types.Type, made: str) -> Callable[..., Any]:
    """A function of a tree of this type that makes one like it, each leaf by ``made``."""
    classes: dict[str, Any] = {}

    def built(kind: types.Type, path: Path) -> str:
        if not isinstance(kind, types.BaseTuple):
            return made.format(_at("tree", path))
        parts = "".join(built(part, (*path, k)) + ", " for k, part in enumerate(kind))
        if not isinstance(kind, types.BaseNamedTuple):
            return f"({parts})"
        name = f"Class{len(classes)}"
        classes[name] = kind.instance_class
        return f"{name}({parts})"

    _paths(kind)
    return _compiled(f"def implementation(tree):\n    return {built(kind, ())}\n", **classes)


def _compiled(text: str, **names: Any) -> Callable[..., Any]:
    scope: dict[str, Any] = {"np": np, **names}
    exec(text, scope)
    found: Callable[..., Any] = scope["implementation"]
    return found


@overload(each, strict=False)
def _each_compiled(update: Any, trees: Any, numbers: Any) -> Any:
    paths = _paths(trees[0])
    for tree in trees:
        if _paths(tree) != paths:
            raise TypingError(f"the trees differ: {trees[0]} and {tree}")
    text = "def implementation(update, trees, numbers):\n    pass\n"
    for path in paths:
        arrays = "".join(_flat_at("trees", (k, *path)) + ", " for k in range(len(trees)))
        differ = " or ".join(
            f"{_at('trees', (k, *path))}.shape != {_at('trees', (0, *path))}.shape"
            for k in range(1, len(trees))
        )
        if differ:
            text += f"    if {differ}:\n        raise ValueError('the trees differ in shapes')\n"
        text += f"    update(({arrays}), numbers)\n"
    return _compiled(text)


@overload(total, strict=False)
def _total_compiled(measure: Any, tree: Any) -> Any:
    text = "def implementation(measure, tree):\n    result = 0.0\n"
    for path in _paths(tree):
        text += f"    result += measure({_flat_at('tree', path)})\n"
    return _compiled(text + "    return result\n")


@overload(zeros_like, strict=False)
def _zeros_compiled(tree: Any) -> Any:
    return _making(tree, "np.zeros_like({})")


@overload(copy, strict=False)
def _copy_compiled(tree: Any) -> Any:
    return _making(tree, "{}.copy()")
