"""A user's kernel run thread by thread in plain Python, every access noted: whether two threads of
a block meet at an element between two barriers, or two blocks at all.

It knows nothing of proofs, so that it can contradict them.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import textwrap
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

Log = dict[tuple[int, int], dict[str, set[Any]]]  # (array, element) -> what -> by whom


class _Noted:
    def __init__(self, array: Any, note: Callable[[Any, Any, str], None]) -> None:
        self.array, self.note = array, note
        self.shape, self.size = array.shape, array.size

    def __getitem__(self, index: Any) -> Any:
        self.note(self.array, index, "read")
        return self.array[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        self.note(self.array, index, "write")
        self.array[index] = value


class Waiting(ast.NodeTransformer):
    """``cuda.syncthreads()`` as ``yield``."""

    def visit_Expr(self, node: ast.Expr) -> Any:
        match node.value:
            case ast.Call(ast.Attribute(ast.Name("cuda"), "syncthreads")):
                return ast.copy_location(ast.Expr(ast.Yield()), node)
            case _:
                return node


def _generator(kernel: Any, space: dict[str, Any]) -> Callable[..., Iterator[None]]:
    inner = kernel.py_func
    tree = ast.parse(textwrap.dedent(inspect.getsource(inner)))
    node = tree.body[0]
    assert isinstance(node, ast.FunctionDef)
    node.decorator_list = []
    node.body.append(ast.parse("yield").body[0])
    made = ast.fix_missing_locations(Waiting().visit(tree))
    space = {**inner.__globals__, **inspect.getclosurevars(inner).nonlocals, **space}
    exec(compile(made, "kernel", "exec"), space)
    return space[node.name]  # type: ignore[no-any-return]


def races(kernel: Any, args: tuple[Any, ...], config: tuple[Any, Any]) -> list[str]:
    """The lines of text that say where threads meet; IndexError where one leaves its array."""
    blocks, threads = ((*c, 1, 1)[:3] if isinstance(c, tuple) else (c, 1, 1) for c in config)
    now = SimpleNamespace(block=(0, 0, 0), thread=(0, 0, 0))
    between: Log = {}
    whole: Log = {}
    shared: dict[int, Any] = {}
    made: list[Any] = []  # arrays of this block, in the order in which each thread asks for them
    asked = 0

    def note(array: Any, index: Any, kind: str) -> None:
        at = index if isinstance(index, tuple) else (index,)
        if not all(-n <= i < n for i, n in zip(at, array.shape, strict=True)):
            raise IndexError(f"{index} of {array.shape}")
        place = (
            id(array),
            int(np.ravel_multi_index([i % n for i, n in zip(at, array.shape)], array.shape)),
        )
        between.setdefault(place, {}).setdefault(kind, set()).add((now.block, now.thread))
        if id(array) not in shared:
            whole.setdefault(place, {}).setdefault(kind, set()).add(now.block)

    def shared_array(shape: Any, dtype: Any) -> Any:
        nonlocal asked
        if asked == len(made):
            array = np.full(shape, np.nan)
            shared[id(array)] = array
            made.append(_Noted(array, note))
        asked += 1
        return made[asked - 1]

    def atomic(array: _Noted, index: Any, value: Any) -> None:
        note(array.array, index, "add")
        array.array[index] += value

    def grid(n: int) -> Any:
        found = tuple(b * d + t for b, d, t in zip(now.block, threads, now.thread))
        return found[0] if n == 1 else found[:n]

    def gridsize(n: int) -> Any:
        found = tuple(b * t for b, t in zip(blocks, threads))
        return found[0] if n == 1 else found[:n]

    def axes(values: Callable[[], Any]) -> Any:
        return type(
            "Axes", (), {a: property(lambda _, k=k: values()[k]) for k, a in enumerate("xyz")}
        )()

    fake = SimpleNamespace(
        threadIdx=axes(lambda: now.thread),
        blockIdx=axes(lambda: now.block),
        blockDim=axes(lambda: threads),
        gridDim=axes(lambda: blocks),
        grid=grid,
        gridsize=gridsize,
        shared=SimpleNamespace(array=shared_array),
        atomic=SimpleNamespace(add=atomic),
    )
    run = _generator(kernel, {"cuda": fake})
    given = [_Noted(np.array(a, copy=True), note) if np.ndim(a) else a for a in args]
    found: list[str] = []
    for block in itertools.product(*map(range, blocks)):
        now.block = block
        made.clear()
        running = {t: run(*given) for t in itertools.product(*map(range, threads))}
        first = True
        while running:
            for thread, one in list(running.items()):
                now.thread = thread
                if first:
                    asked = 0
                if next(one, running) is running:
                    running.pop(thread)
            first = False
            found += met(between, "threads")
            between.clear()
    return found + met(whole, "blocks")


def met(log: Log, who: str) -> list[str]:
    """Elements that one writes and another touches, or that are added to and read."""
    found = []
    for place, kinds in log.items():
        read, written = kinds.get("read", set()), kinds.get("write", set())
        added = kinds.get("add", set())
        several = len(read | written | added) > 1
        if several and (written or (added and read)):
            found.append(f"{who} at {place[1]}: {kinds}")
    return found
