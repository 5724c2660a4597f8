"""What NumPy's functions do to recorded values, and which function does it.

Elementwise functions have their derivatives in the rule table that the compiler uses.  Functions
that move elements need no rule: NumPy moves the numbers of their places instead.  Others stand in
``rows.py`` and ``matrices.py``, or are NumPy's own Python, recorded like a user's.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adcompile.arrays.signatures import (
    SEQUENCES,
    SIGNATURES,
    array_function,
    ufunc_method,
)
from adcompile.errors import UnsupportedError
from adcompile.frontend.functions import primitive_name
from adcompile.rules.registry import RULES, Rule, partials_on, rule_for
from adcompile.tape.memory import Array, ComplexPart, free, frozen, kept, lift
from adcompile.tape.node import Node, user_line
from adcompile.tape.variable import Var, fitted, node_of

ROWS: dict[str, Callable[..., Any]] = {}  # by NumPy's name; rows.py and matrices.py fill it
# Python's operators compute numbers quicker than ufuncs do.
_QUICK = {
    np.add: ("+", operator.add),
    np.subtract: ("-", operator.sub),
    np.multiply: ("*", operator.mul),
}


@functools.cache
def rule_of(function: Any) -> Rule | None:
    return rule_for(primitive_name(function) or "")


def by_rule(function: Any, *operands: Any) -> Any:
    rule = rule_of(function)
    if rule is None:
        raise unknown(f"np.{function.__name__}")
    return elementwise(rule, function, *operands)


def unknown(what: str) -> UnsupportedError:
    return UnsupportedError(f"the tape engine does not know {what}", user_line())


# ---------------------------------------------------------------- kinds of operations


def elementwise(rule: Rule, compute: Callable[..., Any], *operands: Any) -> Any:
    """``compute``, whose partial derivatives are those of a row of the rule table."""
    values, nodes = [kept(x) for x in operands], [node_of(x) for x in operands]
    ans = compute(*values)
    ans = np.float64(ans) if type(ans) is float else ans  # which may be divided by zero
    if rule.nondiff or not any(nodes):
        return lift(ans)
    if len(operands) != rule.arity:
        raise unknown(f"{rule.name} of {len(operands)} values")
    complex_ones = any(map(_is_complex, (ans, *values)))
    if complex_ones and rule.on_complex is None:
        raise unknown(f"{rule.name} of complex numbers")

    def pull(g: Any) -> list[Any]:
        if rule.conjugates:
            return [fitted(np.conj(g), values[0])]
        if complex_ones and rule.on_complex is not None:
            partials = rule.on_complex(ans, *values)
            partials = partials if isinstance(partials, tuple) else (partials,)
        else:
            partials = _partials(rule, ans, values)
        strong = rule.strong_zero or (False,) * len(partials)
        return [
            None if node is None or p is None else fitted(_times(g, p, zero), value)
            for node, p, zero, value in zip(nodes, partials, strong, values)
        ]

    return lift(ans, Node(rule.name, ans, nodes, pull, compute, values))


def _partials(rule: Rule, ans: Any, values: Sequence[Any]) -> tuple[Any, ...]:
    try:
        return partials_on(rule, ans, values)
    except ZeroDivisionError:  # a literal; NumPy's numbers give inf or nan
        return partials_on(rule, ans, list(map(np.float64, values)))


def _is_complex(x: Any) -> bool:
    return isinstance(x, complex) or (isinstance(x, np.ndarray) and x.dtype.kind == "c")


def _times(g: Any, partial: Any, strong_zero: bool) -> Any:
    if type(partial) is float and partial == 1.0:
        return g
    return np.where(g == 0, g, g * partial) if strong_zero else g * partial


def linear(
    name: str, op: Callable[[Any], Any], transposed: Callable[[Any, Any], Any], x: Any
) -> Any:
    """A linear function of one operand; ``transposed(g, value)``: what that receives."""
    value, node = kept(x), node_of(x)
    ans = op(value)
    if node is None:
        return lift(ans)
    return lift(ans, Node(name, ans, (node,), lambda g: (transposed(g, value),), op, (value,)))


def moved(name: str, f: Callable[..., Any], *operands: Any) -> Any:
    """``f`` moves, repeats and drops elements of its operands and does nothing else.

    To find out where a gradient belongs, ``f`` moves the numbers 1, 2, 3... of the elements; 0 is
    then what it filled in.  What ``f`` returns without copying is a view.
    """
    values, nodes = [free(x) for x in operands], [node_of(x) for x in operands]
    found = f(*values)
    several = isinstance(found, tuple | list)
    results = []
    for k, part in enumerate(found if several else (found,)):
        shared = [x for x, v in zip(operands, values) if _is_view(part, x, v)]
        if shared:
            results.append(Array(shared[0].block, part))
        elif not any(nodes):
            results.append(lift(part))
        else:
            values = [kept(x) for x in operands]
            one = _Part(f, k if several else None)
            pull = functools.partial(_moved_back, one, values, nodes)
            results.append(lift(part, Node(name, part, nodes, pull, one, values)))
    return type(found)(results) if several else results[0]


def _is_view(part: Any, x: Any, value: Any) -> bool:
    if not (isinstance(x, Array) and isinstance(part, np.ndarray)):
        return False
    shares = np.may_share_memory(part, value)
    if shares and isinstance(x, ComplexPart):
        x.block.locked = "there is a view of its real or imaginary part"
        return False
    return shares


@dataclass(frozen=True)
class _Part:
    """One of the results of a function."""

    function: Callable[..., Any]
    number: int | None

    def __call__(self, *args: Any) -> Any:
        found = self.function(*args)
        return found if self.number is None else found[self.number]


def _moved_back(f: Callable[..., Any], values: Any, nodes: Any, g: Any) -> list[Any]:
    ends = np.cumsum([1, *map(np.size, values)])
    numbers = [
        np.arange(start, start + np.size(v)).reshape(np.shape(v))[()]
        for start, v in zip(ends, values)
    ]
    where = np.asarray(f(*numbers)).ravel().astype(int)

    def summed(weights: Any) -> Any:
        return np.bincount(where, np.ravel(weights), int(ends[-1]))

    sums = summed(np.real(g)) + 1j * summed(np.imag(g)) if np.iscomplexobj(g) else summed(g)
    return [
        None if node is None else fitted(sums[start:end].reshape(np.shape(v)), v)
        for node, v, start, end in zip(nodes, values, ends, ends[1:])
    ]


# ---------------------------------------------------------------- arrays from lists


@dataclass(frozen=True)
class _Place:
    number: int


def _placed(tree: Any, operands: list[Any]) -> Any:
    """The operands in lists of lists are collected, places stand for them."""
    if isinstance(tree, list | tuple):
        return [_placed(part, operands) for part in tree]
    operands.append(tree)
    return _Place(len(operands) - 1)


def _filled(tree: Any, values: Sequence[Any]) -> Any:
    if isinstance(tree, list):
        return [_filled(part, values) for part in tree]
    return values[tree.number] if isinstance(tree, _Place) else tree


def array(items: Any, dtype: Any = None, copy: Any = True, ndmin: int = 0, **_: Any) -> Any:
    """``np.array``: of numbers and arrays, perhaps in lists of lists."""
    operands: list[Any] = []
    tree = _placed(items, operands)
    if not any(isinstance(x, Var) for x in operands):
        made = lift(np.array(items, dtype))
    elif isinstance(items, Array) and not copy:
        made = items
    else:
        made = moved("array", lambda *values: np.array(_filled(tree, values)), *operands)
    if ndmin > np.ndim(made):
        made = np.reshape(made, (1,) * (ndmin - np.ndim(made)) + np.shape(made))
    return made if dtype is None or np.dtype(dtype) == free(made).dtype else astype(made, dtype)


def asarray(items: Any, dtype: Any = None, **_: Any) -> Any:
    return array(items, dtype, copy=False)


def astype(x: Any, dtype: Any, **_: Any) -> Any:
    if isinstance(dtype, type) and issubclass(dtype, np.dtype):  # in NumPy's own code
        return x
    kind = np.dtype(dtype)
    if kind.kind in "biu":
        return np.array(kept(x)).astype(kind)[()]
    return linear("astype", lambda v: np.array(v).astype(kind)[()], fitted, x)


# ---------------------------------------------------------------- which function


def call_ufunc(ufunc: np.ufunc, method: str, args: Any, options: dict[str, Any]) -> Any:
    if ufunc in _QUICK and not options and method == "__call__":
        name, quick = _QUICK[ufunc]
        return elementwise(RULES[name], quick, *args)
    (out,) = options.pop("out", None) or (None,)
    where, dtype = options.pop("where", True), options.pop("dtype", None)
    options = {k: v for k, v in options.items() if k not in ("subok", "casting")}
    if method != "__call__":
        found = _ufunc_method(ufunc, method, args, options)
    elif ufunc is np.divmod:
        return np.floor_divide(*args), np.remainder(*args)
    elif ufunc.__name__ in ROWS:
        found = ROWS[ufunc.__name__](*args, **options)
    elif ufunc is np.power and np.ndim(args[1]) == 0 and args[1] == 2 and not node_of(args[1]):
        found = by_rule(np.square, args[0])
    elif not options:
        found = by_rule(ufunc, *args)
    else:
        raise unknown(f"np.{ufunc.__name__} with {', '.join(options)}=")
    found = found if dtype is None else astype(found, dtype)
    if isinstance(out, Array):
        out[...] = found if where is True else np.where(where, found, out)
    elif where is not True or (out is not None and out is not args[0]):  # the same for +=
        raise unknown(f"np.{ufunc.__name__} with where= or out=")
    return found if out is None or not isinstance(out, Array) else out


def _ufunc_method(ufunc: np.ufunc, method: str, args: Any, options: dict[str, Any]) -> Any:
    known = ufunc_method(getattr(ufunc, method))
    if known is None:
        raise unknown(f"np.{ufunc.__name__}.{method}")
    if method == "outer":
        a, b = args
        return ufunc(asarray(a)[(..., *[None] * np.ndim(b))], b)
    if method == "at":
        target, index, values = args
        target[...] = ufunc(target, scattered(np.shape(target), index, values))
        return None
    return ROWS[known[1]](*args, **({"axis": 0} if len(args) < 2 else {}) | options)


def scattered(shape: tuple[int, ...], index: Any, values: Any) -> Any:
    """Zeros, with ``values`` added at ``index``."""
    index = frozen(index)

    def op(v: Any) -> Any:
        made = np.zeros(shape, np.result_type(v))
        np.add.at(made, index, v)
        return made

    return linear("at", op, lambda g, v: fitted(g[index], v), values)


def call_function(function: Any, args: Any, options: dict[str, Any]) -> Any:
    if function in (np.real, np.imag):
        return getattr(asarray(args[0]), function.__name__)
    name = array_function(function) or function.__name__
    options = {k: v for k, v in options.items() if v is not np._NoValue}
    if name in ROWS:
        return ROWS[name](*args, **options)
    if name in _MOVES:
        return _move(name, function, args, options)
    if name in _CONSTANT:
        values = {key: free(x) for key, x in options.items()}
        return lift(function(*map(free, args), **values))
    if rule_of(function) is not None and not options:
        return by_rule(function, *args)
    if hasattr(function, "__wrapped__"):
        from adcompile.tape.program import recorded

        return recorded(function.__wrapped__)(*args, **options)
    raise unknown(f"np.{name}")


_CONSTANT = frozenset(
    """
    all allclose any argmax argmin argpartition argsort argwhere array_equal count_nonzero
    diag_indices_from digitize empty_like flatnonzero isclose iscomplexobj isneginf isposinf
    isrealobj matrix_rank may_share_memory ndim nonzero ones_like result_type round searchsorted
    shape shares_memory size tril_indices_from triu_indices_from zeros_like
    """.split()  # noqa: SIM905
)
# The parameters whose elements a function moves; the others say where to.
_MOVES = {
    "take_along_axis": "arr", "compress": "a", "extract": "arr", "broadcast_to": "array",
    "concatenate": "arrays", "block": "arrays", "stack": "arrays", "hstack": "arrays",
    "vstack": "arrays", "dstack": "arrays", "column_stack": "arrays", "meshgrid": "operands",
    "append": "arr values", "insert": "arr values", "delete": "arr", "pad": "array constant_values",
    "split": "ary", "array_split": "ary", "hsplit": "ary", "vsplit": "ary", "dsplit": "ary",
    "matrix_transpose": "x", "unstack": "x", "tril": "m", "triu": "m", "diag": "v", "diagflat": "v",
    "flip": "m", "flipud": "m", "fliplr": "m", "rot90": "m", "tile": "A",
    "select": "choicelist default", "choose": "choices", "full_like": "fill_value",
    **dict.fromkeys(
        ("reshape", "ravel", "transpose", "swapaxes", "moveaxis", "rollaxis", "roll", "expand_dims",
         "squeeze", "repeat", "resize", "take", "diagonal", "linalg_diagonal", "atleast_1d",
         "atleast_2d", "atleast_3d"), "a"),
}  # fmt: skip


def _move(name: str, function: Any, args: Any, options: dict[str, Any]) -> Any:
    names = list(SIGNATURES[name].parameters.parameters)
    operands: list[Any] = []

    def place(key: str, x: Any) -> Any:
        if key not in _MOVES[name].split():
            return frozen(x)
        return _placed(list(x) if key in SEQUENCES else asarray(x), operands)

    if names[0] == "operands":
        args, names = (list(args),), ["operands"]
    positional = [place(key, x) for key, x in zip(names, args)]
    named = {key: place(key, x) for key, x in options.items()}

    def again(*values: Any) -> Any:
        given = _filled(positional, values)
        keywords = {key: _filled(tree, values) for key, tree in named.items()}
        return function(*(given[0] if names == ["operands"] else given), **keywords)

    return moved(name, again, *operands)
