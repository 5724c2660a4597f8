"""A loop nest under construction: statements over one index space become one pass over memory.

Arrays that nothing outside of the nest reads become scalars in it; sums over the space join it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from numba.core import types as nt

from adcompile.arrays.emitter import INDEX_NAMES, ONE, ZERO, Emitter
from adcompile.ir import nodes as ir
from adcompile.ir.walk import rename_block


@dataclass
class Reduction:
    """``head`` is the value so far, ``next`` with one element more, ``target`` the result."""

    target: ir.Var
    init: ir.Expr
    head: ir.Var
    next: ir.Expr
    kind: nt.Type


class Nest:
    """Loops over ``dims``; ``body`` makes what happens at one ``index``."""

    def __init__(self, outside: Emitter, dims: tuple[ir.Expr, ...]) -> None:
        self.dims = dims
        self.body = outside.inner()
        self.index: tuple[ir.Expr, ...] = tuple(
            ZERO
            if dim == ONE
            else outside.var(INDEX_NAMES[k % len(INDEX_NAMES)], nt.int64, temp=False)
            for k, dim in enumerate(dims)
        )
        self.elements: dict[ir.Var, ir.Expr] = {}
        self.reductions: list[Reduction] = []
        self.reads: set[ir.Var] = set()  # arrays that the body loads from

    @property
    def results(self) -> set[ir.Var]:
        return {r.target for r in self.reductions}

    def touches(
        self, roots: frozenset[ir.Var], roots_of: Callable[[ir.Var], frozenset[ir.Var]]
    ) -> bool:
        """Whether the body loads from arrays with one of these roots."""
        return any(not roots.isdisjoint(roots_of(read)) for read in self.reads)

    def define(self, target: ir.Var, value: ir.Expr, dtype: nt.Type) -> None:
        """``target[index] = value``."""
        if not (isinstance(value, ir.Var) and value.temp and self.body.defines(value)):
            value = self.body.named(value, dtype)
        assert isinstance(value, ir.Var)
        element = self.body.rename(value, target.name, target.temp)
        self.elements[target] = element

    def reduce(
        self,
        target: ir.Var,
        init: ir.Expr,
        kind: nt.Type,
        step: Callable[[Emitter, ir.Var], ir.Expr],
    ) -> None:
        head = self.body.var(target.name, kind, target.temp)
        self.reductions.append(Reduction(target, init, head, step(self.body, head), kind))

    def close(self, outside: Emitter, needed: Callable[[ir.Var], bool]) -> None:
        """Append the loops to ``outside``."""
        renamed: dict[ir.Var, ir.Var] = {}
        for array, element in self.elements.items():
            if needed(array):
                outside.allocate(array, self.dims)
                self.body.store(array, self.index, element)
                if isinstance(element, ir.Var) and not element.temp:
                    made = outside.var(f"{element.name}_i", outside.types[element], False)
                    renamed[element] = made
        now = [(r.head, self.body.as_var(r.next, r.kind, r.head.name)) for r in self.reductions]
        block: ir.Block = rename_block(tuple(self.body.out), renamed)
        now = [(head, renamed.get(value, value)) for head, value in now]
        levels = [k for k, i in enumerate(self.index) if isinstance(i, ir.Var)]
        for level in reversed(levels):
            carried: list[ir.Carried] = []
            around: list[tuple[ir.Var, ir.Var]] = []
            for r, (head, value) in zip(self.reductions, now, strict=True):
                if level == levels[0]:
                    init = outside.as_var(r.init, r.kind, r.target.name)
                    out = r.target
                else:
                    init = outside.var(r.head.name, r.kind, r.head.temp)
                    out = outside.var(r.head.name, r.kind, r.head.temp)
                carried.append(ir.Carried(head, init, value, out))
                around.append((init, out))
            var = self.index[level]
            assert isinstance(var, ir.Var)
            loop = ir.For(
                var,
                ZERO,
                self.dims[level],
                ONE,
                block,
                None,
                tuple(carried),
                self.body.loc,
            )
            block, now = (loop,), around
        if not levels:  # one element: no loop
            for r, (head, value) in zip(self.reductions, now, strict=True):
                outside.out.append(ir.Assign(head, r.init, loc=self.body.loc))
                block = (*block, ir.Assign(r.target, value, loc=self.body.loc))
        outside.out.extend(block)
