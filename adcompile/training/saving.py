"""Parameters in files: ``.npz``, an array per leaf, named by its way through the tree."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from adcompile.optim.trees import Tree, rebuilt


def save(path: str | Path, params: Tree) -> None:
    """Write a tree of arrays.  The file appears when it is complete."""
    path = Path(path)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(aside, "wb") as file:
            np.savez(file, **dict(_named(params)))
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def load(path: str | Path, like: Tree = None) -> Tree:
    """A tree like ``like``, with the arrays of the file; without it a dict of them by name.

    Names, shapes and dtypes must be those of ``like``: else ``ValueError``.
    """
    with np.load(path, allow_pickle=False) as file:
        found = {name: file[name] for name in file.files}
    if like is None:
        return found
    wanted = dict(_named(like))
    if found.keys() != wanted.keys():
        raise ValueError(f"{path} has {sorted(found)}, not {sorted(wanted)}")
    for name, array in wanted.items():
        one, other = found[name], np.asarray(array)
        if (one.shape, one.dtype) != (other.shape, other.dtype):
            raise ValueError(
                f"{path}: {name} is {one.dtype}{one.shape}, not {other.dtype}{other.shape}"
            )
    return rebuilt(like, [found[name] for name in wanted])


def _named(tree: Tree, way: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict):
        parts = [(str(key), part) for key, part in tree.items()]
    elif hasattr(tree, "_fields"):
        parts = list(zip(tree._fields, tree))
    elif isinstance(tree, tuple | list):
        parts = [(str(k), part) for k, part in enumerate(tree)]
    else:
        yield way or "value", tree
        return
    for name, part in parts:
        if "." in name:
            raise ValueError(f"a parameter's name has no dots: {name!r}")
        yield from _named(part, f"{way}.{name}" if way else name)
