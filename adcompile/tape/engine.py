"""``grad`` and ``value_and_grad`` as the compiler has them, by recording each call."""

from __future__ import annotations

import functools
import inspect
import itertools
import sys
from typing import Any

import numpy as np

from adcompile.backends.cpu import Argnums
from adcompile.collector import collector_off
from adcompile.custom import UserFunction
from adcompile.errors import (
    InactiveArgumentError,
    Loc,
    NonScalarOutputError,
    UnsupportedError,
)
from adcompile.frontend.source import plain_function
from adcompile.tape import draw, node
from adcompile.tape.memory import Block, Start, given, memory_of, plain, start
from adcompile.tape.node import ancestors, backward
from adcompile.tape.program import custom, recorded
from adcompile.tape.variable import Var, node_of, tree_map


class TapeGrad:
    """The derivative of a function: called, it records the function's operations and goes back.

    ``argnums``, ``has_aux`` and the results are those of ``adcompile.grad``.  Arguments may also be
    lists and dicts of numbers and arrays; what has no derivative in them has the gradient None.
    """

    __adcompile__ = True

    def __init__(self, f: Any, argnums: Argnums, has_aux: bool, kind: str) -> None:
        inner = plain_function(f)
        if hasattr(f, "__adcompile__"):
            raise UnsupportedError(f"{kind} of {f!r}: derivatives of derivatives")
        if inner is None:
            raise TypeError(f"{kind} takes a Python function or a Numba Dispatcher, not {f!r}")
        functools.update_wrapper(self, inner)
        self.primal, self.py_func, self.kind = f, inner, kind
        self.argnums, self.has_aux = argnums, has_aux
        self.loc = Loc(inner.__code__.co_filename, inner.__code__.co_firstlineno)

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        value, gradient = self.value_and_grad(*args, **keywords)
        if self.kind == "value_and_grad":
            return value, gradient
        return (gradient, value[1]) if self.has_aux else gradient

    def value_and_grad(self, *args: Any, **keywords: Any) -> tuple[Any, Any]:
        """``(value, gradient)``, or ``((value, aux), gradient)``."""
        with collector_off():
            return self._value_and_grad(*args, **keywords)

    def _value_and_grad(self, *args: Any, **keywords: Any) -> tuple[Any, Any]:
        out, starts = self.record(*args, **keywords)
        loss = out[0] if self.has_aux else out
        value = np.asarray(plain(loss))
        if value.ndim or value.dtype.kind != "f":
            kind = f"{value.dtype} array" if value.ndim else value.dtype
            message = f"{self.py_func.__name__} returns {kind}, not a real floating scalar"
            raise NonScalarOutputError(message, self.loc, "Return one float.")
        if isinstance(loss, Var) and loss.node is not None:
            backward(loss.node, value.dtype.type(1.0))
        found = tuple(tree_map(Start.gradient, place) for place in starts)
        result = (float(value), tree_map(plain, out[1])) if self.has_aux else float(value)
        return result, found[0] if self.argnums.single else found

    def explain(self, *args: Any, **keywords: Any) -> str:
        """What ran for these arguments: line, operation, value and gradient, one per line."""
        return draw.table(self._drawn(*args, **keywords))

    def dot(self, *args: Any, **keywords: Any) -> str:
        """The graph for these arguments, in the language of Graphviz."""
        return draw.dot(self._drawn(*args, **keywords))

    def svg(self, *args: Any, **keywords: Any) -> str:
        """The graph for these arguments, as an SVG image."""
        return draw.svg(self._drawn(*args, **keywords))

    def tape_bytes(self, *args: Any, **keywords: Any) -> int:
        """How much memory the graph for these arguments holds, the arguments not counted."""
        out, _ = self.record(*args, **keywords)
        loss = out[0] if self.has_aux else out
        made = [n for n in ancestors(loss.node) if n.parents] if node_of(loss) else []
        held = {id(y): y for n in made for x in (n.value, *n.inputs) for y in (memory_of(x),)}
        given = {id(memory_of(x)) for x in (*args, *keywords.values())}
        found = [y for key, y in held.items() if key not in given]
        return sum(map(sys.getsizeof, made)) + sum(getattr(y, "nbytes", 32) for y in found)

    def _drawn(self, *args: Any, **keywords: Any) -> Any:
        with node.with_lines():
            out, _ = self.record(*args, **keywords)
        return out[0] if self.has_aux else out

    def record(self, *args: Any, **keywords: Any) -> tuple[Any, list[Any]]:
        """The result with its graph, and the nodes of the arguments in ``argnums``."""
        bound = inspect.signature(self.py_func).bind(*args, **keywords)
        bound.apply_defaults()
        names = [*bound.arguments, *("argument",) * len(bound.args)]
        blocks: list[tuple[Any, Block]] = []
        values = [
            tree_map(functools.partial(given, names[k] if k in self.argnums else "", blocks), x)
            for k, x in enumerate(bound.args)
        ]
        for (x, a), (y, b) in itertools.combinations(blocks, 2):
            if np.shares_memory(x, y):
                a.locked = b.locked = "it overlaps another argument"
        starts = [tree_map(start, values[k]) for k in self.argnums]
        for k, place in zip(self.argnums, starts):
            if isinstance(place, Start) and place.node is None:
                message = f"argument {names[k]!r} is {values[k]!r}: there is no derivative"
                raise InactiveArgumentError(f"{message} with respect to it", self.loc)
        with np.errstate(all="ignore"):
            if isinstance(self.primal, UserFunction):
                return custom(self.primal, {}, *values), starts
            return recorded(self.py_func)(*values), starts
