"""A kernel whose threads wait for each other, as phases: in each, the threads of a block are
iterations of a loop.

    tile[t] = f(x[i])               for thread_x in range(threads_x): tile[thread_x] = f(...)
    cuda.syncthreads()         ->   for thread_x in range(threads_x): out[...] = tile[...]
    out[i] = tile[n - 1 - t]

What is the same for all threads of a block stands between these loops: loops and branches around
``syncthreads`` must be.  What a thread keeps for itself from one phase to the next is computed
again if it takes indices alone, and has an element per thread otherwise.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from adcompile.frontend.kernel_syntax import Replaced, starts, written_in

_PURE = ("min", "max", "abs", "int", "len", "range")


@dataclass
class Phase:
    """What threads do without waiting for each other."""

    stmts: list[ast.stmt] = field(default_factory=list)


@dataclass
class Together:
    """A statement that is the same for all threads of a block."""

    stmt: ast.stmt


@dataclass
class Around:
    """A loop or branch, the same for all threads, with what is in it."""

    stmt: ast.For | ast.While | ast.If
    parts: list[list[Item]]


@dataclass
class Barrier:
    """``cuda.syncthreads()``."""


Item: TypeAlias = Phase | Together | Around | Barrier


@dataclass
class Open:
    """What has been written and named since the threads last waited for each other."""

    written: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)


class Phases:
    """``names``: what the kernel assigns.  ``kind``: what an expression is, of "threadIdx",
    "blockDim" and so on.  ``is_barrier`` and ``is_shared``: of statements.  ``refuse`` raises."""

    def __init__(
        self,
        params: list[str],
        names: set[str],
        kind: Callable[[ast.expr], str],
        is_barrier: Callable[[ast.stmt], bool],
        is_shared: Callable[[ast.stmt], bool],
        refuse: Callable[..., Any],
    ) -> None:
        self.params, self.kind, self.refuse = params, kind, refuse
        self.names = names
        self.is_barrier, self.is_shared = is_barrier, is_shared
        self.together: set[str] = set()
        self.shared: set[str] = set()
        self.again: dict[str, ast.expr] = {}  # what phases compute again
        self.kept: set[str] = set()  # what has an element per thread

    def divide(self, stmts: list[ast.stmt]) -> list[Item]:
        self.together = self._same_for_all(stmts)
        items = self._items(stmts, True)
        self._check_barriers(items, Open())
        self._own(items)
        return items

    def waits(self, stmt: ast.AST) -> bool:
        return any(isinstance(n, ast.stmt) and self.is_barrier(n) for n in ast.walk(stmt))

    # ------------------------------------------------------------ what is the same for all

    def _same_for_all(self, stmts: list[ast.stmt]) -> set[str]:
        """Variables that each thread of a block assigns the same values, at the same time."""
        outside = list(self._between(stmts))
        known = {id(n) for s in outside for n in _targets(s)}
        stores = [n for s in stmts for n in ast.walk(s) if isinstance(n, ast.Name)]
        stores = [n for n in stores if isinstance(n.ctx, ast.Store)]
        found = {n.id for n in stores} - {n.id for n in stores if id(n) not in known}
        while True:
            self.together = found
            wrong = {n.id for s in outside for n in _targets(s) if not self._same_value(s)}
            if not wrong & found:
                return found
            found = found - wrong

    def _between(self, stmts: list[ast.stmt]) -> Iterator[ast.stmt]:
        for stmt in stmts:
            if isinstance(stmt, ast.Assign | ast.AugAssign):
                yield stmt
            elif isinstance(stmt, ast.For | ast.While | ast.If) and self.waits(stmt):
                if isinstance(stmt, ast.For):
                    yield stmt
                yield from self._between(stmt.body)
                yield from self._between(stmt.orelse)

    def _same_value(self, stmt: ast.stmt) -> bool:
        match stmt:
            case ast.Assign(_, value):
                return self.is_shared(stmt) or self.same(value)
            case ast.AugAssign(ast.Name(name), _, value):
                return name in self.together and self.same(value)
            case ast.For(iter=iterated):
                return self.same(iterated)
            case _:
                return False

    def same(self, expr: ast.expr) -> bool:
        """Whether all threads of a block see the same value."""
        kind = self.kind(expr)
        if kind:
            return kind in ("blockIdx", "blockDim", "gridDim", "gridsize", "base")
        match expr:
            case ast.Name(name):
                return name in self.together or name not in self.names
            case ast.Subscript(ast.Attribute(_, "shape") as base, index):
                return self.same(base) and self.same(index)
            case ast.Subscript():
                return False
            case ast.Call(ast.Name(name), args, []) if name in _PURE:
                return all(map(self.same, args))
            case ast.Call():
                return False
            case _:
                return all(map(self.same, _parts(expr)))

    # ------------------------------------------------------------ phases

    def _items(self, stmts: list[ast.stmt], top: bool) -> list[Item]:
        out: list[Item] = []
        for stmt in stmts:
            if self.is_barrier(stmt):
                out.append(Barrier())
            elif self.is_shared(stmt):
                if not top:
                    self.refuse(stmt, "cuda.shared.array in a branch or loop", "Make it before.")
                self.shared.update(n.id for n in _targets(stmt))
                out.append(Together(stmt))
            elif self.waits(stmt):
                out.append(self._around(stmt))
            elif isinstance(stmt, ast.Assign | ast.AugAssign) and self._is_together(stmt):
                out.append(Together(stmt))
            elif out and isinstance(out[-1], Phase):
                out[-1].stmts.append(stmt)
            else:
                out.append(Phase([stmt]))
        return out

    def _is_together(self, stmt: ast.Assign | ast.AugAssign) -> bool:
        targets = _targets(stmt)
        return bool(targets) and all(n.id in self.together for n in targets)

    def _around(self, stmt: ast.stmt) -> Around:
        barrier = next(n for n in ast.walk(stmt) if isinstance(n, ast.stmt) and self.is_barrier(n))
        advice = (
            "All threads of a block must come to it: conditions and bounds around it may take "
            "sizes, blockIdx and blockDim, not threadIdx and not elements of arrays."
        )
        text = "cuda.syncthreads where not all threads of a block need come"
        match stmt:
            case ast.For(iter=over, orelse=[]):
                if not self.same(over):
                    self.refuse(barrier, text, advice)
            case ast.While(test=test, orelse=[]) | ast.If(test=test):
                if not self.same(test):
                    self.refuse(barrier, text, advice)
            case _:
                self.refuse(barrier, "cuda.syncthreads in this statement", advice)
        assert isinstance(stmt, ast.For | ast.While | ast.If)
        for node in ast.walk(stmt):
            if isinstance(node, ast.Break | ast.Continue) and not isinstance(stmt, ast.If):
                self.refuse(node, "break or continue in a loop with syncthreads", "Write if.")
        parts = [self._items(stmt.body, False)]
        if isinstance(stmt, ast.If):
            parts.append(self._items(stmt.orelse, False))
        return Around(stmt, parts)

    # ------------------------------------------------------------ barriers between phases

    def _check_barriers(self, items: list[Item], before: Open) -> Open:
        """Phases that no barrier parts must not touch what the other one writes."""
        now = before
        for item in items:
            match item:
                case Barrier():
                    now = Open()
                case Phase(stmts):
                    arrays = {*self.params, *self.shared}
                    written = {n for s in stmts for n in written_in(s)} & arrays
                    named = {
                        n.id for s in stmts for n in ast.walk(s) if isinstance(n, ast.Name)
                    } & arrays
                    met = (now.written & named) | (written & now.named)
                    if met:
                        self.refuse(
                            stmts[0],
                            f"{min(met)}, used again without cuda.syncthreads",
                            "Write cuda.syncthreads() before it.",
                        )
                    now = Open(now.written | written, now.named | named)
                case Around(stmt, parts):
                    ends = [now] if not isinstance(stmt, ast.If) else []
                    for part in parts:
                        end = self._check_barriers(part, now)
                        if not isinstance(stmt, ast.If):
                            end = self._check_barriers(part, _both(now, end))
                        ends.append(end)
                    now = Open()
                    for end in ends:
                        now = _both(now, end)
                case Together():
                    pass
        return now

    # ------------------------------------------------------------ what threads keep

    def _own(self, items: list[Item]) -> None:
        phases = list(_phases(items, False))
        homes: dict[str, set[int]] = {}
        stored: dict[str, list[ast.stmt]] = {}
        for k, (phase, _) in enumerate(phases):
            for stmt in phase.stmts:
                for node in ast.walk(stmt):
                    if isinstance(node, ast.Name) and node.id in self.names - self.together:
                        homes.setdefault(node.id, set()).add(k)
                        if isinstance(node.ctx, ast.Store):
                            stored.setdefault(node.id, []).append(stmt)
        changing = {name for name in self.together if self._times(items, name) > 1}
        changing |= self.names & set(self.params)
        before = -1
        while before < len(self.again):  # what takes others comes after them
            before = len(self.again)
            for name in sorted(stored.keys() - self.again.keys()):
                value = self._computed(name, stored[name], phases, changing)
                if value is not None:
                    self.again[name] = value
        for name in sorted(homes):
            if name not in stored:
                continue
            if name in self.params:
                self.refuse(stored[name][0], f"{name}, an argument that a thread assigns,")
            if all(starts(phases[k][0].stmts, name) for k in homes[name]):
                continue
            if len(homes[name]) == 1 and not any(phases[k][1] for k in homes[name]):
                continue
            if name not in self.again:
                self.kept.add(name)
        self._settle()
        for phase, _ in phases:
            for stmt in phase.stmts:
                self._check_kept(stmt)

    def _computed(
        self,
        name: str,
        stored: list[ast.stmt],
        phases: list[tuple[Phase, bool]],
        changing: set[str],
    ) -> ast.expr | None:
        """Its value, if that takes only indices and sizes."""
        match stored:
            case [ast.Assign([ast.Name()], value) as stmt]:
                top = any(s is stmt for phase, loop in phases if not loop for s in phase.stmts)
                return value if top and self._takes_indices(value, changing) else None
            case _:
                return None

    def _takes_indices(self, expr: ast.expr, changing: set[str]) -> bool:
        if self.kind(expr):
            return True
        match expr:
            case ast.Name(name):
                if name in self.together:
                    return name not in changing
                return name in self.again or name not in self.names
            case ast.Subscript(ast.Attribute(_, "shape")):
                return True
            case ast.Subscript():
                return False
            case ast.Call(ast.Name(name), args, []) if name in _PURE:
                return all(self._takes_indices(a, changing) for a in args)
            case ast.Call():
                return False
            case _:
                return all(self._takes_indices(e, changing) for e in _parts(expr))

    def _times(self, items: list[Item], name: str, loop: bool = False) -> int:
        """How often a variable is assigned: more than once in a loop."""
        total = 0
        for item in items:
            match item:
                case Together(stmt):
                    total += sum(n.id == name for n in _targets(stmt)) * (2 if loop else 1)
                case Around(stmt, parts):
                    if isinstance(stmt, ast.For):
                        total += 2 * sum(n.id == name for n in _targets(stmt))
                    inner = loop or not isinstance(stmt, ast.If)
                    total += sum(self._times(p, name, inner) for p in parts)
                case _:
                    pass
        return total

    def _settle(self) -> None:
        """Values in terms of indices alone; what takes something kept is kept."""
        for _ in self.again:
            for name, value in list(self.again.items()):
                self.again[name] = Replaced(self.again, name).visit(copy.deepcopy(value))

    def _check_kept(self, stmt: ast.stmt) -> None:
        for node in ast.walk(stmt):
            match node:
                case ast.Subscript(value, index):
                    wrong = [n for n in ast.walk(index) if isinstance(n, ast.Name)]
                    wrong += [value] if isinstance(value, ast.Name) else []
                case ast.Call(ast.Name("range"), args):
                    wrong = [n for a in args for n in ast.walk(a) if isinstance(n, ast.Name)]
                case ast.For(target):
                    wrong = [n for n in ast.walk(target) if isinstance(n, ast.Name)]
                case _:
                    continue
            for one in wrong:
                if one.id in self.kept:
                    self.refuse(
                        one,
                        f"{one.id}, which is not a number of floating type, kept over syncthreads",
                        "Compute it again after each syncthreads.",
                    )


def _both(a: Open, b: Open) -> Open:
    return Open(a.written | b.written, a.named | b.named)


def _phases(items: list[Item], loop: bool) -> Iterator[tuple[Phase, bool]]:
    """With whether a loop runs them again and again."""
    for item in items:
        if isinstance(item, Phase):
            yield item, loop
        elif isinstance(item, Around):
            for part in item.parts:
                yield from _phases(part, loop or not isinstance(item.stmt, ast.If))


def _targets(stmt: ast.stmt) -> list[ast.Name]:
    match stmt:
        case ast.Assign(targets):
            tops: list[ast.expr] = targets
        case ast.AugAssign(target) | ast.For(target):
            tops = [target]
        case _:
            tops = []
    nodes = [n for t in tops for n in ([t] if isinstance(t, ast.Name) else _items_of(t))]
    return [n for n in nodes if isinstance(n, ast.Name)]


def _items_of(target: ast.expr) -> list[ast.expr]:
    return list(target.elts) if isinstance(target, ast.Tuple) else []


def _parts(expr: ast.expr) -> list[ast.expr]:
    return [e for e in ast.iter_child_nodes(expr) if isinstance(e, ast.expr)]
