"""Arrays that are recorded, and the memory that they share with their views.

A node's value never changes.  An array does, when it is written to: then it continues as another
node, and if a node may still need the old contents, in another block of memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from adcompile.errors import AliasError, UnsupportedError
from adcompile.tape.node import Node, laid_out, lines_wanted, user_line
from adcompile.tape.variable import Var, fitted, node_of


class Block:
    """Memory: its contents, the node that they are the value of (None: constant), whether a node
    keeps it (``kept``: then it is copied before it is written), and why it must not be written."""

    __slots__ = ("kept", "locked", "node", "value")

    def __init__(self, value: Any, node: Node | None, kept: bool) -> None:
        # Without gaps, so that a gradient can have the same layout.
        self.value = value if is_dense(value) else value.copy(order="K")
        self.node, self.kept, self.locked = node, kept and self.value is value, ""

    def write(self) -> None:
        """To be called before the contents are changed."""
        if self.locked:
            raise AliasError(f"an array is written, but {self.locked}", user_line())
        if self.kept:
            self.value, self.kept = self.value.copy(order="K"), False


class Array(Var):
    """An array: a block of memory, or a view of one."""

    __slots__ = ("_base", "_view", "_view_node", "block", "origin")
    _view_node: Node | None

    def __init__(self, block: Block, view: Any = None) -> None:
        self.block, self.origin = block, block.node
        self._view, self._base, self._view_node = view, block.value, None

    @property
    def value(self) -> Any:
        block = self.block
        if self._view is None:
            return block.value
        if self._base is not block.value:  # the block has moved
            self._view, self._base = same_part(self._view, self._base, block.value), block.value
        return self._view

    @property
    def node(self) -> Node | None:
        whole = self.block.node
        if self._view is None or whole is None:
            return whole
        if self._view_node is None or self._view_node.parents[0] is not whole:
            view, base = self.value, self.block.value
            self._view_node = Node(
                "view", kept(self), (whole,), lambda g: (adder(view, base, g),),
                lambda a: same_part(view, base, laid_out(a, base)), (base,),
            )  # fmt: skip
        return self._view_node

    @property
    def grad(self) -> Any:
        node = self.origin if self._view is None else self.node
        return None if node is None else node.grad

    def __copy__(self) -> Array:
        made: Any = np.copy(self)
        return made  # type: ignore[no-any-return]

    def __deepcopy__(self, _: Any) -> Array:
        return self.__copy__()

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        return (self[k] for k in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        index, view, block = frozen(index), self.value, self.block
        found = view[index]
        if isinstance(found, np.ndarray) and np.may_share_memory(found, block.value):
            return Array(block, found)  # a view
        if block.node is None:
            return lift(found)
        base, fancy = block.value, isinstance(found, np.ndarray)

        def pull(g: Any) -> tuple[Any]:
            def add(buffer: Any) -> None:
                part = same_part(view, base, buffer)
                if fancy:
                    np.add.at(part, index, g)
                else:
                    part[index] += g

            return (add,)

        def op(a: Any) -> Any:
            return same_part(view, base, laid_out(a, base))[index]

        return lift(found, Node("[]", found, (block.node,), pull, op, (base,)))

    def __setitem__(self, index: Any, new: Any) -> None:
        from adcompile.tape.functions import array

        new = array(new) if isinstance(new, list | tuple) else new
        index, block = frozen(index), self.block
        value, node, old = kept(new), node_of(new), block.node
        block.write()
        view, base = self.value, block.value
        before = base.copy() if lines_wanted() else base  # for tests of rules
        view[index] = value
        if old is None and node is None:
            return

        def pull(g: Any) -> tuple[Any, Any]:
            part = same_part(view, base, g)
            spot = part[index]
            taken = np.array(spot)
            if np.ndim(spot) and not np.may_share_memory(spot, part):  # fancy: the last one counts
                winner = np.zeros(part.shape, int)
                numbers = np.arange(taken.size).reshape(taken.shape)
                winner[index] = numbers
                taken = np.where(winner[index] == numbers, taken, 0)
            part[index] = 0
            return g, None if node is None else fitted(taken, value)

        def op(a: Any, v: Any) -> Any:
            made = laid_out(a, base, np.result_type(a, v))
            same_part(view, base, made)[index] = v
            return made

        block.node = Node("[]=", base, (old, node), pull, op, (before, value))
        block.node.overwrites = True


class ComplexPart(Array):
    """``z.real`` or ``z.imag`` of a complex array, which sees what is written to that."""

    __slots__ = ("name", "whole")

    def __init__(self, whole: Array, name: str) -> None:
        super().__init__(whole.block, whole.value)
        self.whole, self.name = whole, name

    @property
    def value(self) -> Any:
        return getattr(self.whole.value, self.name)

    @property
    def node(self) -> Node | None:
        from adcompile.tape.functions import by_rule

        return node_of(by_rule(getattr(np, self.name), self.whole))

    def __getitem__(self, index: Any) -> Any:
        return getattr(self.whole[index], self.name)

    def __setitem__(self, index: Any, new: Any) -> None:
        raise UnsupportedError(f"writing into .{self.name}", user_line(), "Write a complex array.")


# ---------------------------------------------------------------- places


def same_part(view: Any, base: Any, other: Any) -> Any:
    """The view of ``other`` that ``view`` is of ``base``, which has the same layout."""
    if view is base:
        return other
    at = view.__array_interface__["data"][0] - base.__array_interface__["data"][0]
    if other.dtype != view.dtype:
        at = at // view.itemsize * other.itemsize
    strides = tuple(s // view.itemsize * other.itemsize for s in view.strides)
    return np.ndarray(view.shape, other.dtype, other.ravel(order="K"), at, strides)


def memory_of(x: Any) -> Any:
    """The array that an array is a view of."""
    while isinstance(x, np.ndarray) and isinstance(x.base, np.ndarray):
        x = x.base
    return x


def is_dense(array: Any) -> bool:
    flags = array.flags
    packed = flags.c_contiguous or flags.f_contiguous
    return bool(packed or np.empty_like(array).strides == array.strides)


def spread(array: Any) -> tuple[Any, Any]:
    """A copy with the same strides, gaps too, and the memory without gaps that it is a view of.
    The strides decide what is a view: ``ravel``, for example, may be one or a copy."""
    low, high = np.lib.array_utils.byte_bounds(array)
    memory = np.zeros((high - low) // array.itemsize, array.dtype)
    at = array.__array_interface__["data"][0] - low
    view = np.ndarray(array.shape, array.dtype, memory, at, array.strides)
    view[...] = array
    return view, memory


def adder(view: Any, base: Any, g: Any) -> Any:
    """What adds ``g`` to that part of a gradient which ``view`` is of ``base``."""
    repeated = tuple(k for k, s in enumerate(view.strides) if s == 0)

    def add(buffer: Any) -> None:
        part = same_part(view, base, buffer)
        once = tuple(slice(0, 1) if k in repeated else slice(None) for k in range(view.ndim))
        part[once] += np.sum(g, axis=repeated, keepdims=True) if repeated else g

    return add


# ---------------------------------------------------------------- in and out


def lift(value: Any, node: Node | None = None) -> Any:
    """A result as the program sees it: floats that depend on nothing stay plain numbers, arrays of
    floats never, since they may be written to."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "fc":
        return Array(Block(value, node, node is not None))
    return value if node is None else Var(value, node)


def free(x: Any) -> Any:
    """The value of an operand, as it is for now."""
    return x.value if isinstance(x, Var) else frozen(x)


def frozen(x: Any) -> Any:
    """Subscripts and the like, as they are now: the program may change an array of them."""
    if isinstance(x, int):
        return x
    if isinstance(x, tuple):
        return tuple(map(frozen, x))
    if isinstance(x, Var):
        return kept(x)
    return np.array(x) if isinstance(x, list | np.ndarray) else x


def kept(x: Any) -> Any:
    """The value of an operand, which stays as it is now.  A large part of a block holds on to the
    block, a small one is copied."""
    if isinstance(x, Array):
        value = x.value
        if 4 * value.size < x.block.value.size:
            return value.copy()
        x.block.kept = True
        return value
    if isinstance(x, np.ndarray):
        return x.copy()
    return x.value if isinstance(x, Var) else x


def plain(x: Any) -> Any:
    """A result without its graph."""
    if isinstance(x, Array):
        return x.value.copy()
    return x.value.item() if isinstance(x, Var) else x


def given(name: str, blocks: list[tuple[Any, Block]], x: Any) -> Any:
    """An argument as the program receives it; named, it is differentiated."""
    if isinstance(x, np.ndarray) and x.dtype.kind in "fc":
        view, memory = (None, x) if is_dense(x) else spread(x)
        block = Block(memory, Node(name, memory) if name else None, True)
        blocks.append((x, block))
        return Array(block, view)
    if isinstance(x, float | complex | np.inexact):
        value = np.asarray(x)[()]
        return lift(value, Node(name, value)) if name else value
    return x.copy() if isinstance(x, np.ndarray) else x


def start(x: Any) -> Any:
    """Where a gradient will be: the node, and which part of its value, if not all of it."""
    if not isinstance(x, Var):
        return Start(None)
    return Start(x.block.node, x.value, x.block.value) if isinstance(x, Array) else Start(x.node)


@dataclass(frozen=True)
class Start:
    node: Node | None
    view: Any = None
    base: Any = None

    def gradient(self) -> Any:
        if self.node is None:
            return None
        grad = self.node.grad
        if self.view is None:
            return 0.0 if grad is None else grad.item()
        return np.array(same_part(self.view, self.base, self.node.buffer()))
