"""Plain IR as Python source: ``agree`` runs it beside the function that it was made from."""

from __future__ import annotations

import copy
import math

import numpy as np

from adcompile.frontend.parse import parse
from adcompile.ir import nodes as ir
from adcompile.ir.verify import verify
from adcompile.ir.walk import statements


class Text:
    """Plain IR as Python source; every variable has a name of its own."""

    def __init__(self):
        self.names = {}

    def var(self, v):
        return self.names.setdefault(v, f"{v.name}_{len(self.names)}")

    def e(self, x):
        match x:
            case ir.Var():
                return self.var(x)
            case ir.Const(value):
                special = isinstance(value, float) and not math.isfinite(value)
                return f"float('{value}')" if special else f"({value!r})"
            case ir.Unary(op, a):
                return f"({op} {self.e(a)})"
            case ir.Binary(op, a, b) | ir.Compare(op, a, b) | ir.Logic(op, a, b):
                return f"({self.e(a)} {op} {self.e(b)})"
            case ir.Apply(fn, args):
                return f"{fn}({', '.join(map(self.e, args))})"
            case ir.Subscript(base, index):
                return f"{self.e(base)}[{self.index(index)}]"
            case ir.Dim(array, axis):
                return f"{self.e(array)}.shape[{axis}]"
            case ir.Attribute(base, "len"):
                return f"len({self.e(base)})"
            case ir.Attribute(base, name):
                return f"{self.e(base)}.{name}"
            case ir.MakeTuple(items):
                return "(" + "".join(self.e(i) + ", " for i in items) + ")"
            case ir.TupleGet(base, item):
                return f"{self.e(base)}[{item}]"
        raise AssertionError(x)

    def index(self, index):
        parts = []
        for i in index:
            if isinstance(i, ir.Slice):
                ends = (i.start, i.stop, i.step)
                parts.append(":".join("" if x is None else self.e(x) for x in ends))
            else:
                parts.append(self.e(i))
        return ", ".join(parts)

    def block(self, block, pad):
        lines = [pad + line for s in block for line in self.s(s, pad)]
        return lines or [pad + "pass"]

    def s(self, s, pad):
        inner = "    "
        match s:
            case ir.Assign(target, value):
                yield f"{self.var(target)} = {self.e(value)}"
            case ir.AssignMany(targets, values):
                left = ", ".join(map(self.var, targets))
                yield f"{left} = {', '.join(map(self.e, values))}"
            case ir.Store(array, index, value):
                yield f"{self.e(array)}[{self.index(index)}] = {self.e(value)}"
            case ir.Accumulate(array, index, value, op):
                yield f"{self.e(array)}[{self.index(index)}] {op}= {self.e(value)}"
            case ir.Alloc(target, fn, args, keywords):
                given = [self.e(a) for a in args]
                for name, k in keywords:
                    given.append(f"{name}={k.value if isinstance(k, ir.Const) else self.e(k)}")
                yield f"{self.var(target)} = {fn}({', '.join(given)})"
            case ir.Copy(target, source):
                yield f"{self.var(target)} = {self.e(source)}.copy()"
            case ir.If(cond, then, orelse):
                yield f"if {self.e(cond)}:"
                yield from self.block(then, inner)
                yield "else:"
                yield from self.block(orelse, inner)
            case ir.For() | ir.While():
                if isinstance(s, ir.For):
                    bounds = ", ".join(map(self.e, (s.start, s.stop, s.step)))
                    yield f"for {self.var(s.var)} in range({bounds}):"
                else:
                    yield f"while {self.e(s.cond)}:"
                yield from self.block(s.body, inner)
                if s.exit is not None:
                    yield f"{inner}if {self.var(s.exit)} >= {ir.LEAVE}: break"
            case ir.Raise(exception, args):
                yield f"raise {exception}({', '.join(map(self.e, args))})"
            case ir.Unset(variables):
                for v in variables:  # a read before the next assignment raises
                    yield f"{self.var(v)} = None; del {self.var(v)}"
            case ir.Return(values):
                yield f"return {self.e(values[0])}" if values else "return"
            case _:
                raise AssertionError(s)


def text_of(func):
    """The text of a function's plain IR, and that IR."""
    fn = parse(func)
    verify(fn, "plain")
    check_form(fn)
    text = Text()
    params = ", ".join(map(text.var, fn.params))
    body = "\n".join(text.block(fn.body, "    "))
    return f"def f({params}):\n{body}\n", text, fn


def compiled(func):
    source, text, fn = text_of(func)
    space = {"np": np, "math": math, **dict(fn.exceptions)}
    space.update({text.var(var): value for var, value in fn.constants})
    exec(source, space)
    return space["f"]


def is_atom(x):
    return isinstance(x, ir.Var | ir.Const)


def check_form(fn):
    """Values are atoms or one operation on atoms; subscripts and conditions are free."""
    for s in statements(fn.body):
        match s:
            case ir.Assign(_, ir.Binary(_, a, b)):
                assert is_atom(a) and is_atom(b), s
            case ir.Assign(_, ir.Unary(op, a)) if op != "not":
                assert is_atom(a), s
            case ir.Assign(_, ir.Apply(fn=name, args=args)) if name != "bool":
                assert all(map(is_atom, args)), s
            case ir.Assign(_, ir.Subscript(base)):
                shape = isinstance(base, ir.Attribute) and base.name == "shape"
                assert isinstance(base, ir.Var) or shape, s
            case ir.Assign(_, ir.MakeTuple(items)):
                assert all(map(is_atom, items)), s
            case ir.Store(value=value) | ir.Accumulate(value=value):
                assert is_atom(value), s
            case ir.AssignMany(values=values):
                assert all(map(is_atom, values)), s
            case ir.Return((ir.MakeTuple(items),)):
                assert all(map(is_atom, items)), s
            case ir.Return((value,)):
                assert is_atom(value), s


def outcome(f, args):
    args = copy.deepcopy(args)
    try:
        result = f(*args)
    except Exception as error:
        return type(error), str(error).split("\n")[0], args  # pytest adds lines to asserts
    return type(result), result, args


def same(a, b):
    if isinstance(a, tuple | list):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)
    return a == b or (a != a and b != b)


def agree(func, *calls):
    f = compiled(func)
    plain = getattr(func, "py_func", func)
    for args in calls:
        expected, found = outcome(plain, args), outcome(f, args)
        assert same(expected, found), f"{args}: {found} instead of {expected}\n{text_of(func)[0]}"


def vec(*values):
    return np.array(values, dtype=np.float64)


X = vec(1.0, -2.0, 3.0, 6.0, 0.5, -1.0, 2.5)
