"""The front end: plain IR computes what the Python function computes, and refusals name the line.

``run`` prints the IR as Python, one name per variable, and executes it.
"""

from __future__ import annotations

import copy
import linecache
import math
import random
import re
from math import sin

import numba
import numpy as np
import numpy as xp
import pytest
from numba import njit

from adcompile import grad
from adcompile.errors import UnsupportedError
from adcompile.frontend.parse import parse
from adcompile.ir import nodes as ir
from adcompile.ir.verify import verify
from adcompile.ir.walk import statements
from adcompile.options import Options

# ---------------------------------------------------------------- IR to Python text


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


# ---------------------------------------------------------------- control flow


def break_continue_else(x, n):
    s = 0.0
    for i in range(n):
        for j in range(i):
            if x[j] < 0:
                continue
            if x[j] > 5:
                break
            s += x[j] * i
        else:
            s += 100.0
        if s > 1000.0:
            return s
        s *= 1.5
    else:
        s = -s
    return s


def loop_variable_after(n, m):
    i = -7
    total = 0
    for i in range(n):
        total += i
        for j in range(i, m, 2):
            i = i + j
        total += i
    return i, total


def negative_steps(a, b, c):
    s = 0
    for i in range(a, b, c):
        s = 10 * s + i
    for i in range(5, -1, -2):
        s = s - i
    return s


def same_loop_name(n):
    s = 0
    for i in range(n):
        for i in range(3):
            s += i
        s += 100 * i
    return s


def while_else(n, k):
    i = 0
    while i < n:
        i += 1
        if i == k:
            break
    else:
        i = -1
    return i


def while_lifted(n, k, m):
    i = 0
    hits = 0
    while n // k > i and i % (k + 1) != 5:
        i += 1
        if i == m:
            break
        if i % 2:
            continue
        hits += i
    else:
        return -hits
    return hits


def while_true(n):
    s = 0
    while True:
        s += n
        if s > 50:
            return s
        if s < -50:
            break
        n = n * 2 if n else 60
    return s * 10


def while_true_only_return(n):
    while True:
        n = n * 2 + 1
        if n > 100:
            return n


def early(x, y):
    if x > 0:
        if y > 0:
            return 1.0
        x = x + 1.0
    elif y > 0:
        x = x - 1.0
    y = y * 2
    if x > 3.0:
        return y
    for k in range(3):
        if x + k == 2.0:
            if y < 0:
                return x * k
            continue
        y += k
    return x + y


def no_value(x, n):
    for i in range(n):
        if x[i] < 0:
            return
        x[i] = 0.0


def guarded_tail(x, n):
    c = 0
    for i in range(n):
        if x[i] > 0:
            if x[i] > 2:
                c += 10
                continue
            c += 1
        c += 1000
        if c % 7 == 3:
            break
        c += 1
    return c


class MyError(Exception):
    pass


def raises(x):
    assert x > -10, "too small"
    if x < 0:
        raise ValueError("negative")
    elif x == 0:
        raise MyError
    if x > 100:
        raise MyError("big", 3) from None
    return x


def only_raises(x):
    raise NotImplementedError


def return_or_raise(x):
    for i in range(3):
        if x == i:
            return i
    raise KeyError("none")


X = vec(1.0, -2.0, 3.0, 6.0, 0.5, -1.0, 2.5)


def test_control_flow():
    agree(break_continue_else, *[(X * s, n) for n in range(8) for s in (1.0, -1.0, 100.0)])
    agree(loop_variable_after, *[(n, m) for n in range(5) for m in range(9)])
    agree(negative_steps, (0, 5, 1), (5, 0, -2), (3, 3, 1), (0, 5, 0), (-1, -9, -3))
    agree(same_loop_name, (0,), (3,))
    agree(while_else, (0, 1), (5, 3), (5, 9), (5, 5))
    agree(while_lifted, *[(n, k, m) for n in (0, 30, -5) for k in (-2, 0, 1, 3) for m in (2, 50)])
    agree(while_true, (1,), (-3,), (0,), (70,))
    agree(while_true_only_return, (1,), (500,))
    agree(early, *[(float(x), float(y)) for x in range(-4, 5) for y in range(-3, 4)])
    agree(no_value, (X, 0), (X, 7), (X, 1))
    agree(guarded_tail, *[(X * s, n) for n in range(8) for s in (1.0, -1.0, 0.3)])
    agree(raises, (-11,), (-1,), (0,), (7,), (101,))
    agree(only_raises, (1,))
    agree(return_or_raise, (2,), (3,))


def test_loop_variable_binds_directly():
    (loop,) = [s for s in parse(no_value).body if isinstance(s, ir.For)]
    assert loop.var.name == "i" and not loop.var.temp
    assert not any(isinstance(s, ir.Assign) and s.target.name == "i" for s in loop.body)


def test_exit_only_where_needed():
    def clean(x, n):
        s = 0.0
        for i in range(n):
            if x[i] > 0:
                s += x[i]
                continue
            s -= 1.0
        return s

    assert "exit" not in text_of(clean)[0]
    agree(clean, (X, 7))


# ---------------------------------------------------------------- assignments and expressions


def augmented(x, i, v):
    x[i + 1] += v * 2
    x[i] -= v
    x[i * 2] *= v - 1
    x[-1] /= v
    x[2] **= 2
    x[0] //= 2
    x[3] %= v
    s = v
    s -= 1
    s *= s
    s /= 3
    s //= 0.25
    s **= 2
    return s


def boolean_values(a, b, c):
    p = a and b
    q = a or b and c  # noqa: RUF021
    r = a < b and b < c or not c  # noqa: RUF021
    s = not (a and b)
    return p, q, r, s


def lazy(x, i, n):
    s = 0.0
    if i < len(x) and x[i] > 0:
        s += 1.0
    if i >= len(x) or x[i] < 0:
        s += 10.0
    if n != 0 and i // n > 1:
        s += 100.0
    if n == 0 or i % n == 0 or 1 // (i % n) > 0:
        s += 1000.0
    if i < len(x) and helper(x[i], i) > 0 and x[i] > 0.2:
        s += 10000.0
    t = x[i] if i < x.shape[0] else (x[0] if n else -1.0)
    flag = n != 0 and i // n == 1
    return s + t, flag


def chained(a, b, c, d):
    return a < b < c, a < b + 1 <= c != d, 0 <= a // b < c, a < b < helper(c, a) < d


def index_forms(x, i):
    A = np.zeros((3, len(x)), dtype=np.float32)
    A[1, :] = 2.0
    A[2, 1:3] = x[-3:-1]
    row = A[2]
    row[0] = x[i - 1] + x[-i]
    B = A[1:, ::2]
    k = A.shape[1] - A.shape[0]
    A[0][k] = 7.0
    C = A.copy()
    C[0, 0] = A[2][1] + B[0, 0] + A[1:][0, 1]
    idx = np.ones(2, np.int64)
    y = np.full_like(x, 1.5)
    z = np.empty(A.shape, dtype=x.dtype)
    z[:] = y[idx[0]]
    return A, C, row.size, A.ndim, k, np.copy(row), x[idx[idx[i]] + 1], z, A.T


K = 3
SCALE = np.float32(0.1)
TABLE = np.array([1.0, 2.0, 4.0])
PAIR = (2.0, 5)


def globals_and_functions(x, n):
    a = sin(x) + xp.exp(x) + math.sqrt(abs(x)) + np.pi + math.inf * 0.0
    b = max(x, 1.0, 2.5) + min((x, 1.5)) + pow(x, 2) + float(n) + int(x) + bool(n)
    q, r = divmod(n, K)
    c = TABLE[n] * SCALE + PAIR[0] ** PAIR[1] + np.float64(n) + np.float32(x) + round(x, 1)
    return a, b, c, q, r, TABLE.shape[0], len(PAIR), -x, +x, ~n, n << 2 | 1 & n ^ 5, n >> 1


def test_expressions():
    agree(augmented, (vec(1, 2, 3, 4, 5), 1, 2.5), (vec(5, 4, 3, 2, 1), 0, -1.0))
    agree(boolean_values, *[(a, b, c) for a in (0, 1.5) for b in (0.0, 2) for c in (0, 3)])
    agree(lazy, *[(X, i, n) for i in range(10) for n in range(-1, 4)])
    agree(chained, *[(a, b, c, d) for a in (0, 1) for b in (0, 2) for c in (1, 3) for d in (0, 5)])
    agree(index_forms, (X, 1), (X, 0))
    agree(globals_and_functions, (0.7, 1), (-2.2, 0), (5.5, 2))


def test_swaps():
    def swapped(x, a, b):
        a, b = b, a
        (c, d), e = (a + b, a * b), a - b
        a, b, c = c, a, b
        x[0], x[1] = x[1], x[0]
        i, x[2] = 1, a
        i, x[i] = 2, b
        i, x[0] = 1, i
        p = q = c * d
        t: float = p + e
        u: int  # noqa: F842
        pair = (a, b, (c, d))
        r, w = pair[2]
        a, b, pair = pair
        pair, w = pair
        n, m = x.shape[0], x.size
        return t + q + i, a, b, pair, r, w, n, m

    agree(swapped, (vec(1, 2, 3), 3.0, 4.5))


def test_capture():
    fn = parse(globals_and_functions)
    assert [(var.name, value is TABLE) for var, value in fn.constants] == [("TABLE", True)]
    local = np.arange(3.0)

    def closure(i):
        return local[i] + TABLE[i] + local[0]

    assert [var.name for var, _ in parse(closure).constants] == ["local", "TABLE"]
    agree(closure, (0,), (2,))


def test_conditions_stay_whole():
    def f(x, i, n):
        s = 0.0
        while abs(s * x[i + 1] - x[0]) < n * 2 and not s > 9:
            s += x[i * 2 - 1]
        return s

    (loop,) = [s for s in parse(f).body if isinstance(s, ir.While)]
    assert isinstance(loop.cond, ir.Logic) and len(loop.body) == 2
    agree(f, (X, 1, 5))


# ---------------------------------------------------------------- calls


def helper(x, k=2, *, shift=0.0):
    for i in range(3):
        if x < i:
            return shift - x
        x = x - 1.0
    return x**k + shift


@njit
def jitted(x, y):
    x[0] = y
    if y > 4.0:
        return y * y
    return -y


def optional(x, w=None, flag=True):
    if w is None:
        w = 2.0
    if not flag:
        return x
    if flag and x > w:
        return x * w
    return w


def apply_twice(f, x):
    return f(f(x))


def square(x):
    return x * x


def scale(x, by):
    for i in range(len(x)):
        x[i] *= by


def calls(x, i):
    scale(x, by=2.0)
    x[0] += jitted(x, 5.0)
    s = x[0] + jitted(x, 1.0) + x[0]
    if x[0] + jitted(x, 9.0) < x[0]:
        s += 1.0
    return s + helper(x[1], 3) * helper(k=2, x=x[2]) + optional(x[1]) + optional(
        x[2], 0.5
    ) + optional(s, flag=False) + apply_twice(square, x[3]) + apply_twice(math.sin, 0.5)


def twice_helped(x, k):
    return helper(helper(x, k), shift=helper(x))


def fails(x):
    raise ValueError("always")


def call_that_raises(x):
    y = square(x) + fails(x)
    return y * 2


def test_calls():
    agree(twice_helped, (0.5, 2), (7.0, 3))
    agree(calls, (X, 1))
    agree(call_that_raises, (1.0,))
    agree(jitted, (X, 2.0))


def test_inlined_locations():
    fn = parse(calls)
    lines = {s.loc.line for s in statements(fn.body)}
    assert square.__code__.co_firstlineno + 1 in lines
    assert all(s.loc.file == __file__ for s in statements(fn.body))


def test_methods_and_wraps():
    class Box:
        @staticmethod
        def inner(x):
            """Text
at the margin."""
            return x + 1.0

    agree(Box.inner, (1.0,))


# ---------------------------------------------------------------- options


def test_options_of_the_dispatcher_are_kept():
    @njit(fastmath=True, error_model="python", boundscheck=True)
    def root(x):
        return square(x)

    options = grad(root).derivation.options
    assert (options.fastmath, options.error_model) == (True, "python")
    assert options.boundscheck is True and options.parallel is False
    assert grad(square).derivation.options == Options()
    assert grad(njit(square)).derivation.options == Options()
    chosen = grad(root, fastmath=False, error_model="numpy", boundscheck=False)
    assert chosen.derivation.options == Options()


def with_callee(outer, inner):
    """A function whose callee's callee has other flags."""
    callee = njit(fastmath=inner)(square)

    def between(x):
        return callee(x) + 1.0

    @njit(fastmath=outer)
    def root(x):
        return square(x) * between(x)

    return root


def test_fastmath_only_where_every_callee_grants_it():
    flags = (False, True, {"nnan"}, {"nnan", "nsz"}, {"fast"}, {"arcp": True, "nnan": False})
    granted = (
        (False, False, False, False, False, False),
        (False, True, {"nnan"}, {"nnan", "nsz"}, {"fast"}, {"arcp"}),
        (False, {"nnan"}, {"nnan"}, {"nnan"}, {"nnan"}, False),
        (False, {"nnan", "nsz"}, {"nnan"}, {"nnan", "nsz"}, {"nnan", "nsz"}, False),
    )
    for outer, row in zip(flags, granted):
        for inner, expected in zip(flags, row):
            root = with_callee(outer, inner)
            assert grad(root).derivation.options.fastmath == expected, (outer, inner)
            assert grad(root, fastmath=True).derivation.options.fastmath is True


def test_fastmath_reaches_the_generated_code():
    strict, fast = njit(square), njit(fastmath={"nnan"})(square)

    @njit(fastmath={"nnan", "nsz"})
    def through_strict(x):
        return strict(x)

    @njit(fastmath={"nnan", "nsz"})
    def through_fast(x):
        return fast(x)

    for root, expected in ((through_strict, "fastmath=False"), (through_fast, "{'nnan': True}")):
        loss = grad(root, cache=False)
        assert loss(3.0) == 6.0 and loss.vjp(3.0)[1](1.0) == (6.0,)
        assert expected in loss.derivation.latest.path.read_text()


def test_callees_may_be_defined_after_the_root():
    @njit(fastmath=True)
    def root(x):
        return later(x)

    loss = grad(root)
    later = njit(square)
    assert loss.derivation.options.fastmath is False


# ---------------------------------------------------------------- refusals


def recursive(n):
    return n if n < 1 else recursive(n - 1)


class Grad:
    __adcompile__ = True

    def __call__(self, x):
        return x


grad_object = Grad()


def refusals():
    """Functions whose refused line ends in ``# !``, with a part of the message."""

    def with_(x):
        with open("f"):  # !
            return x

    yield with_, "'with'"

    def try_(x):
        try:  # !
            return x
        except ValueError:
            return 0.0

    yield try_, "'try'"

    def comprehension(x):
        return [v for v in x]  # !

    yield comprehension, "comprehension"

    def lambda_(x):
        g = lambda v: v  # !
        return g(x)

    yield lambda_, "lambda"

    def nested(x):
        def g(v):  # !
            return v

        return g(x)

    yield nested, "nested function"

    def generator(x):
        yield x  # !

    yield generator, "yield"

    def delete(x):
        del x  # !

    yield delete, "'del'"

    def global_(x):
        global K  # !
        K = x

    yield global_, "'global'"

    def dict_(x):
        d = {1: x}  # !
        return d[1]

    yield dict_, "dict"

    def walrus(x):
        if (y := x) > 0:  # !
            return y
        return x

    yield walrus, ":="

    def star(x):
        a, *b = x  # !  # noqa: RUF059
        return a

    yield star, "starred"

    def star_call(x):
        return square(*x)  # !

    yield star_call, "starred"

    def printing(x):
        print(x)  # !
        return x

    yield printing, "print"

    def array_sum(x):
        return np.sum(x)  # !

    yield array_sum, "np.sum"

    def method_sum(x):
        return x.sum()  # !

    yield method_sum, "sum()"

    def norm(x):
        return np.linalg.norm(x)  # !

    yield norm, "np.linalg.norm"

    def over_array(x):
        s = 0.0
        for v in x:  # !
            s += v
        return s

    yield over_array, "loop over x"

    def over_enumerate(x):
        s = 0.0
        for i, v in enumerate(x):  # !
            s += v
        return s

    yield over_enumerate, "loop"

    def newaxis(x):
        return x[None, 0]  # !

    yield newaxis, "None and ..."

    def ellipsis(x):
        return x[..., 0]  # !

    yield ellipsis, "None and ..."

    def falls_off(x):  # !
        if x > 0:
            return x

    yield falls_off, "every path must return"

    def returns_none(x):
        if x > 0:
            return  # !
        return x

    yield returns_none, "every path must return"

    def matmul(x):
        return x @ x  # !

    yield matmul, "matrix"

    def matmul_augmented(x):
        x @= x  # !
        return x

    yield matmul_augmented, "matrix"

    def unknown_attribute(x):
        return x.real  # !

    yield unknown_attribute, "'real'"

    def undefined(x):
        return x + not_there  # !  # noqa: F821

    yield undefined, "not_there"

    def undefined_member(x):
        return math.sinn(x)  # !

    yield undefined_member, "sinn"

    def in_(x):
        return x in PAIR  # !

    yield in_, "'in'"

    def is_(x):
        if x is None:  # !
            return 1.0
        return x

    yield is_, "'is'"

    def of_gradient(x):
        return grad_object(x)  # !

    yield of_gradient, "derivatives of derivatives"

    def captured_write(x):
        TABLE[0] = x  # !
        return x

    yield captured_write, "read-only"

    def fstring(x):
        raise ValueError(f"{x}")  # !

    yield fstring, "f-string"

    def too_many(x):
        return square(x, x)  # !

    yield too_many, "too many"

    def missing():
        return square()  # !

    yield missing, "without 'x'"

    def wrong_keyword(x):
        return square(y=x)  # !

    yield wrong_keyword, "y="

    def out(x):
        return np.add(x, x, out=x)  # !

    yield out, "out="

    def string(x):
        return "a" + x  # !

    yield string, "strings"

    def complex_(x):
        return x * 2j  # !

    yield complex_, "complex"

    def local_exception(x):
        class Inner(Exception):  # !
            pass

        raise Inner

    yield local_exception, "class"

    def effectless(x):
        x + 1  # !
        return x

    yield effectless, "without effect"

    def attribute_target(x):
        x.flags = 1  # !
        return x

    yield attribute_target, "attribute"

    def argument_call(f, x):
        return f(x)  # !

    yield argument_call, "'f'"

    def varargs(*x):  # !
        return x

    yield varargs, "parameters"


@pytest.mark.parametrize(
    "func, part", [pytest.param(f, p, id=f.__name__) for f, p in refusals()]
)
def test_refusal(func, part):
    with pytest.raises(UnsupportedError) as caught:
        parse(func)
    message = str(caught.value)
    assert part in message
    lines = linecache.getlines(__file__)
    where = re.search(rf"at {re.escape(__file__)}:(\d+)", message)
    assert where and "# !" in lines[int(where[1]) - 1]
    assert caught.value.loc.line == int(where[1])
    start = func.__code__.co_firstlineno
    assert start <= int(where[1]) <= start + 6


def test_refusal_in_callee_and_without_source():
    def outer(x):
        return recursive(x)

    with pytest.raises(UnsupportedError, match="recursion") as caught:
        parse(outer)
    assert caught.value.loc.line == recursive.__code__.co_firstlineno + 1
    space = {}
    exec("def f(x):\n    return x\n", space)
    with pytest.raises(UnsupportedError, match="source"):
        parse(space["f"])
    with pytest.raises(UnsupportedError, match="lambda"):
        parse(lambda x: x)
    with pytest.raises(UnsupportedError, match="derivatives of derivatives"):
        parse(grad_object)
    with pytest.raises(UnsupportedError, match="not a Python function"):
        parse(math.sin)


def test_columns():
    def f(x):
        ä = x + x.real
        return ä

    with pytest.raises(UnsupportedError) as caught:
        parse(f)
    loc = caught.value.loc
    assert linecache.getlines(__file__)[loc.line - 1][loc.column :].strip() == "x.real"


# ---------------------------------------------------------------- random programs


class Writer:
    """Random functions of (x, a, b): all kinds of exits, nested, that always end."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.lines, self.counter = [], 0

    def cond(self):
        r = self.r
        simple = [
            "x[a % 5] > b",
            "a % 3 == 1",
            "b > 2",
            "0 < a - b < 4",
            "0 <= a < 5 and x[a] > 0",
            "not b",
            "(a if b > 1 else b) > 2",
            "b != 0 and a // b > 1",
            "helper(a, b % 3) > b or a > 3",
        ]
        return r.choice(simple)

    def expr(self):
        return self.r.choice(
            [
                "a + 1",
                "b - a",
                "(a * 3 + b) % 7",
                "int(x[b % 5]) + a",
                "a if a > b else b - 1",
                "step(a, b)",
                "max(a, b, 3) % 4",
                "a and b",
            ]
        )

    def emit(self, depth, text):
        self.lines.append("    " * depth + text)

    def block(self, depth, loops, size):
        for _ in range(self.r.randint(1, size)):
            if self.stmt(depth, loops, size):
                return

    def stmt(self, depth, loops, size):
        r, nest = self.r, depth < 5
        kind = r.choice(
            ["set", "set", "set", "swap", "store", "aug"]
            + ["if"] * 3 * nest
            + ["for", "while"] * (nest and loops < 3)
            + ["break", "continue"] * bool(loops)
            + ["return"] * (depth > 1 and r.random() < 0.4)
        )
        match kind:
            case "set":
                self.emit(depth, f"{r.choice('ab')} = ({self.expr()}) % 40")
            case "aug":
                self.emit(depth, f"{r.choice(['a', 'b', 'x[b % 5]'])} += {self.expr()}")
                self.emit(depth, "a %= 37")
                self.emit(depth, "b = b % 41 - 3")
            case "swap":
                self.emit(depth, "a, b = b, a")
            case "store":
                self.emit(depth, f"x[a % 5] = {self.expr()}")
            case "if":
                self.emit(depth, f"if {self.cond()}:")
                self.block(depth + 1, loops, size)
                if r.random() < 0.3:
                    self.emit(depth, f"elif {self.cond()}:")
                    self.block(depth + 1, loops, size)
                if r.random() < 0.5:
                    self.emit(depth, "else:")
                    self.block(depth + 1, loops, size)
            case "for" | "while":
                self.counter += 1
                k = f"k{self.counter}"
                if kind == "for":
                    k = r.choice([k, "i"])
                    bounds = r.choice(["3", "a % 4", "b % 3, 5", "4, a % 3, -1"])
                    self.emit(depth, f"for {k} in range({bounds}):")
                    if r.random() < 0.5:
                        self.emit(depth + 1, f"b = b + {k}")
                else:
                    self.emit(depth, f"{k} = 0")
                    self.emit(depth, f"while {k} < 4 and ({self.cond()}):")
                    self.emit(depth + 1, f"{k} += 1")
                self.block(depth + 1, loops + 1, size)
                if r.random() < 0.4:
                    self.emit(depth, "else:")
                    self.block(depth + 1, loops, size)
            case "return":
                self.emit(depth, f"return {self.expr()}")
            case _:
                self.emit(depth, kind)
        return kind in ("break", "continue", "return")


def step(a, b):
    a = a % 40
    b = b % 7
    while a > b:
        a -= 3
        if a == 2:
            return b
    return a % 5


def random_source(seed):
    writer = Writer(seed)
    writer.block(1, 0, 4)
    tail = writer.r.choice(["return a * 100 + b", "return a"])
    body = "\n".join(writer.lines)
    return f"def f(x, a, b):\n    i = 0\n{body}\n    b = b + i\n    {tail}\n"


@pytest.mark.parametrize("group", range(10))
def test_random_programs(group, tmp_path):
    for seed in range(group * 40, group * 40 + 40):
        source = random_source(seed)
        file = str(tmp_path / f"random_{seed}.py")
        space = {"step": step, "helper": helper, "np": np}
        with open(file, "w") as out:
            out.write(source)
        linecache.checkcache(file)
        exec(compile(source, file, "exec"), space)
        calls = [(X[:5] * s, a, b) for s in (1.0, -2.0) for a in (-1, 0, 1, 4) for b in (0, 1, 3)]
        try:
            agree(space["f"], *calls)
        except (AssertionError, UnsupportedError) as error:
            raise AssertionError(f"seed {seed}\n{source}") from error


def test_numba_runs_the_result():
    assert numba.njit(compiled(break_continue_else))(X, 7) == break_continue_else(X, 7)
