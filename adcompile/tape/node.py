"""The graph of a calculation, and the sweep over it that propagates gradients back.

Every operation makes a node.  It knows its value, its parents (the nodes that it was computed
from), and how a gradient with respect to its value becomes gradients with respect to theirs:

    x = 2.0, y = 3.0       t = x * y          z = t + sin(x)

    node      value   parents   pull(g)
    t = x*y     6     (x, y)    (g * 3.0, g * 2.0)
    u = sin     0.9   (x,)      (g * cos(2.0),)
    z = t+u     6.9   (t, u)    (g, g)

Nodes are numbered as they are made, so a node's number is larger than its parents': to visit them
by falling number is to visit each one after everything that was computed from it.  By then its
gradient is complete: where a value was used twice, at a fork, the two contributions were added.
"""

from __future__ import annotations

import itertools
import operator
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np

from adcompile.errors import Loc

# What a parent receives: a gradient of its shape; or, where only a part of an array was used, a
# function that adds to that part of the parent's gradient; or nothing.
Contribution: TypeAlias = Any
Pull: TypeAlias = Callable[[Any], Sequence[Contribution]]

_numbers = itertools.count()
_lines = threading.local()


@contextmanager
def with_lines() -> Iterator[None]:
    """Nodes made here remember the user's line, which costs more than the node to find out."""
    before = lines_wanted()
    _lines.wanted = True
    try:
        yield
    finally:
        _lines.wanted = before


def lines_wanted() -> bool:
    return getattr(_lines, "wanted", False)


class Node:
    """One operation.  ``op`` computes the value from ``inputs``, one per parent; a parent that
    is None was a constant.  ``overwrites``: the operation wrote into the array of its first
    parent, and its gradient is that array's, less the part overwritten."""

    __slots__ = (
        *("name", "value", "parents", "pull", "op", "inputs"),
        *("number", "grad", "owned", "overwrites", "loc"),
    )

    def __init__(
        self,
        name: str,
        value: Any,
        parents: Sequence[Node | None] = (),
        pull: Pull | None = None,
        op: Callable[..., Any] | None = None,
        inputs: Sequence[Any] = (),
    ) -> None:
        self.name, self.value, self.parents, self.pull = name, value, parents, pull
        self.op, self.inputs = op, inputs
        self.number = next(_numbers)
        self.grad: Any = None
        self.owned = self.overwrites = False
        self.loc = user_line() if lines_wanted() else None

    def buffer(self) -> Any:
        """The gradient as an array that no other node holds, to be written into."""
        if self.grad is None and isinstance(self.value, tuple):  # of a rule of the user's
            self.grad = [np.zeros_like(part) for part in self.value]
        elif self.grad is None:
            self.grad = np.zeros_like(self.value)
        elif not self.owned:
            self.grad = laid_out(self.grad, self.value, self.value.dtype)
        self.owned = True
        return self.grad

    def receive(self, part: Contribution) -> None:
        """Add a contribution to the gradient."""
        if callable(part):
            part(self.buffer())
        elif self.grad is None:
            self.grad = part  # perhaps another node's gradient too: not owned
        elif self.owned:
            self.grad += part
        elif isinstance(self.value, np.ndarray):
            self.grad = laid_out(self.grad, self.value, np.result_type(self.grad, part))
            self.grad += part
            self.owned = True
        else:
            self.grad = self.grad + part


def laid_out(array: Any, like: Any, dtype: Any = None) -> Any:
    """A copy with the memory layout of ``like``, so that parts are found in the same places."""
    made = np.empty_like(like, dtype=np.result_type(array) if dtype is None else dtype)
    made[...] = array
    return made


def ancestors(output: Node) -> list[Node]:
    """What ``output`` was computed from, itself included, the latest first."""
    seen, left = {output}, [output]
    while left:
        for parent in left.pop().parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                left.append(parent)
    return sorted(seen, key=operator.attrgetter("number"), reverse=True)


def backward(output: Node, seed: Any, watch: Callable[[Node, int, Any], None] | None = None) -> int:
    """Set ``grad`` of all that ``output`` was computed from, given that of ``output``; their count.

    ``watch(node, k, contribution)`` is told what goes from a node to its parent number k.
    """
    order = ancestors(output)
    for node in order:
        node.grad, node.owned = None, False
    output.grad = seed
    with np.errstate(all="ignore"):
        for node in order:
            if node.grad is None or node.pull is None:
                continue
            handed_on = node.overwrites and node.buffer() is not None
            for k, (parent, part) in enumerate(zip(node.parents, node.pull(node.grad))):
                if parent is not None and part is not None:
                    parent.receive(part)
                    if watch is not None:
                        watch(node, k, part)
            first = node.parents[0]
            if handed_on and first is not None and first.grad is node.grad:
                first.owned, node.grad = True, None
    return len(order)


def user_line() -> Loc | None:
    """Where the user's program is: the innermost frame outside adcompile and NumPy."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package not in ("adcompile", "numpy", "scipy", "functools"):
            return Loc(frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back
    return None
