"""Generated kernels whose threads wait for each other, run thread by thread in plain Python, every
access noted: ``tests/cuda_meet.py`` of what adcompile makes."""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.cuda_meet import Log, Waiting, met


class _Noted:
    """An array, or a part of one; elements are known by their addresses."""

    def __init__(self, array: Any, run: _Run) -> None:
        self.array, self.run = array, run
        self.shape, self.size = array.shape, array.size

    def note(self, index: Any, kind: str) -> None:
        at = index if isinstance(index, tuple) else (index,)
        whole = [range(n) for n in self.array.shape[len(at) :]]
        over = [range(n)[i] if isinstance(i, slice) else (i,) for i, n in zip(at, self.array.shape)]
        interface = self.array.__array_interface__["data"][0]
        for place in itertools.product(*over, *whole):
            if not all(-n <= i < n for i, n in zip(place, self.array.shape, strict=True)):
                raise IndexError(f"{place} of {self.array.shape}")
            steps = zip(place, self.array.shape, self.array.strides)
            self.run.note(interface + sum(i % n * step for i, n, step in steps), kind)

    def __getitem__(self, index: Any) -> Any:
        part = self.array[index]
        if isinstance(part, np.ndarray):
            return _Noted(part, self.run)
        self.note(index, "read")
        return part

    def __setitem__(self, index: Any, value: Any) -> None:
        self.note(index, "write")
        self.array[index] = value.array if isinstance(value, _Noted) else value


class _Run:
    """One module; ``found`` says where threads met."""

    def __init__(self, text: str, constants: Mapping[str, Any]) -> None:
        self.found: list[str] = []
        self.between: Log = {}
        self.whole: Log = {}
        self.block = 0
        self.blocks = 1
        self.thread: tuple[int, ...] = (0,)
        self.shared: list[Any] = []
        self.taken: dict[tuple[int, ...], int] = {}
        self.own: set[tuple[int, int]] = set()  # addresses of a block's arrays
        imports, _, rest = text.partition("@block_kernel")
        tree = ast.parse(f"@block_kernel{rest}")
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.decorator_list:
                Waiting().visit(node)
                node.body.append(ast.parse("yield").body[0])
        self.space: dict[str, Any] = dict(constants)
        exec(imports, self.space)
        self.space |= self.replaced()
        exec(compile(ast.fix_missing_locations(tree), "generated", "exec"), self.space)

    def replaced(self) -> dict[str, Any]:
        atomic = SimpleNamespace(add=self.atomic_add)
        local = SimpleNamespace(array=lambda shape, dtype: np.full(shape, 77).astype(dtype))
        constant = SimpleNamespace(array_like=lambda array: array)
        made = {f"lane_{a}": lambda k=k: self.thread[k] for k, a in enumerate("xyz")}
        return {
            **made,
            "lane": lambda: int(any(self.thread)),
            "block_number": lambda: self.block,
            "block_count": lambda: self.blocks,
            "rolled": lambda n: n,
            "add_part": lambda *_: None,
            "overlap": lambda *_: False,
            "add_number": lambda *_: None,
            "block_workspace": lambda shape, dtype: ("rows", shape, dtype),
            "block_kernel": self.block_kernel,
            "cuda": SimpleNamespace(
                atomic=atomic, local=local, const=constant, shared=SimpleNamespace(array=self.array)
            ),
        }

    def note(self, address: int, kind: str) -> None:
        place = (address, 0)
        self.between.setdefault(place, {}).setdefault(kind, set()).add(self.thread)
        if not any(start <= address < end for start, end in self.own):
            self.whole.setdefault(place, {}).setdefault(kind, set()).add(self.block)

    def atomic_add(self, array: _Noted, index: Any, value: Any) -> None:
        array.note(index, "add")
        array.array[index] += value

    def array(self, shape: Any, dtype: Any) -> _Noted:
        """Threads of a block ask for the same arrays in the same order."""
        number = self.taken[self.thread] = self.taken.get(self.thread, -1) + 1
        if number == len(self.shared):
            made = np.zeros(shape, dtype)
            start = made.__array_interface__["data"][0]
            self.own.add((start, start + made.nbytes))
            self.shared.append(_Noted(made, self))
        return self.shared[number]  # type: ignore[no-any-return]

    def block_kernel(self, sums: int) -> Any:
        def made(function: Any) -> Any:
            def launch(count: int, threads: tuple[int, ...], *args: Any) -> Any:
                self.blocks = count
                given = [self.given(a) for a in args]
                totals = [np.zeros((sums, 1))] if sums else []
                self.whole.clear()
                for self.block in range(count):
                    self.one_block(function, threads, (count, *given, *totals))
                self.found += met(self.whole, "blocks")
                return 0.0 if sums == 1 else (0.0,) * sums

            return launch

        return made

    def given(self, value: Any) -> Any:
        if isinstance(value, tuple):
            _, shape, dtype = value
            value = np.full((self.blocks, *shape), 77).astype(dtype)
        return _Noted(value, self) if isinstance(value, np.ndarray) else value

    def one_block(self, function: Any, threads: tuple[int, ...], args: Any) -> None:
        self.shared.clear()
        self.taken.clear()
        running = {t: function(*args) for t in itertools.product(*map(range, threads))}
        while running:
            for self.thread, one in list(running.items()):
                if next(one, running) is running:
                    running.pop(self.thread)
            self.found += met(self.between, "threads")
            self.between.clear()


def generated_races(
    text: str,
    args: tuple[Any, ...],
    config: tuple[Any, Any],
    axes: int,
    constants: Mapping[str, Any],
) -> list[str]:
    """Of the module of a kernel's adjoint, which is launched once."""
    run = _Run(text, constants)
    given = [np.array(a, copy=True) if np.ndim(a) else a for a in args]
    floats = [a for a in given if np.asarray(a).dtype.kind == "f"]
    adjoints = [np.ones(np.shape(a) or 1) for a in floats]
    counts = [(c if isinstance(c, tuple) else (c,))[:axes] for c in config]
    assert all(math.prod(c) for c in counts)
    (name,) = (n for n in run.space if "_backward_" in n)
    run.space[name](*given, *counts[0], *counts[1], *adjoints)
    return run.found
