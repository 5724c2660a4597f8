"""A CUDA kernel as a plain function: threads become iterations of a loop.

    i = cuda.grid(1)                    for i in range(threads_x):
    if i < x.size:               ->         if i < x.size:
        out[i] = f(x[i])                        out[i] = f(x[i])

A loop over ``range(cuda.grid(1), n, cuda.gridsize(1))`` becomes one over ``range(n)``.  A kernel in
which no thread reads what another one writes is the same program as that loop.
"""

from __future__ import annotations

import ast
import copy
from types import FunctionType
from typing import Any

import numpy as np

from adcompile.errors import UnsupportedError
from adcompile.frontend.kernel_syntax import (
    Renamed,
    Replaced,
    assigns,
    counted,
    is_none,
    own_variable,
    returns,
    stored_by,
    written_in,
)
from adcompile.frontend.source import Source, plain_function, read_source

AXES = ("x", "y", "z")
_NUMPY = "_adcompile_np"
_LATER = {
    "shared": "cuda.shared.array stands alone to the right of a name, before all branches.",
    "syncwarp": "Use syncthreads.",
    "const": "Write `name = cuda.const.array_like(ARRAY)`, before all branches, of a global array.",
}
_ATOMIC = {
    "add": "What it returns depends on the order of threads: let it stand alone in a statement.",
    "max": "Take the maximum of a block in shared memory, as sums are, and write one per block.",
    "min": "Take the minimum of a block in shared memory, as sums are, and write one per block.",
}
_ADDS = {"atomic.add": ast.Add, "atomic.sub": ast.Sub}
_OTHERS = "Only atomic.add and atomic.sub have one: write what each thread has to an array."


def kernel_form(kernel: Any) -> tuple[FunctionType, int]:
    """The function, and how many axes it has.  Behind the kernel's own parameters it takes the
    numbers of threads along x, y, z; with ``waits(form)`` those of blocks, then of the threads of
    one."""
    # Late: it is made of what stands here.
    from adcompile.frontend.kernel_blocks import BlockForm

    inner = plain_function(kernel)
    if inner is None:
        raise UnsupportedError(f"{kernel!r} is no kernel", None, "Pass a function or a cuda.jit.")
    source = read_source(inner)
    node = copy.deepcopy(source.node)
    in_blocks = BlockForm.is_needed(source, node)
    form: Form
    if in_blocks:
        form = BlockForm(source)
        node.body, axes = form.body(node.body)
    else:
        try:
            form = Form(source, strides=True)
            node.body, axes = form.body(node.body)
        except EveryThread:
            node = copy.deepcopy(source.node)
            form = Form(source, strides=False)
            node.body, axes = form.body(node.body)
    node.body = node.body or [ast.copy_location(ast.Pass(), node)]
    node.decorator_list = []
    counts = [f"threads_{axis}" for axis in AXES[:axes]]
    if in_blocks:
        counts = [f"blocks_{axis}" for axis in AXES[:axes]] + counts
    for name in counts:
        if name in source.local_names:
            form.refuse(node, f"a variable named {name}", "Give it another name.")
        node.args.args.append(ast.copy_location(ast.arg(name), node))
    ast.fix_missing_locations(node)
    made = _function(inner, node, source)
    items = frozenset(source.loc(loop).line for loop in (*form.items, *form.nested))
    made.__adcompile_threads__ = (items, frozenset(form.atomic))  # type: ignore[attr-defined]
    made.__adcompile_blocks__ = in_blocks  # type: ignore[attr-defined]
    axes_of_items = [form.strided[id(loop)] for loop in form.items]
    spread = frozenset.intersection(*axes_of_items) if axes_of_items else frozenset(range(axes))
    made.__adcompile_spread__ = spread  # type: ignore[attr-defined]
    return made, axes


def _function(inner: FunctionType, node: ast.FunctionDef, source: Source) -> FunctionType:
    names = inner.__code__.co_freevars
    cells = dict(zip(names, (c.cell_contents for c in inner.__closure__ or ())))
    space = {**inner.__globals__, **cells, _NUMPY: np}
    there = ast.increment_lineno(copy.deepcopy(node), source.first_line - 1)
    exec(compile(ast.Module([there], []), source.file, "exec"), space)
    made = space[node.name]
    assert isinstance(made, FunctionType)
    made.__module__, made.__qualname__ = inner.__module__, inner.__qualname__
    made.__adcompile_tree__ = (node, source.file, source.first_line, source.lines)  # type: ignore[attr-defined]
    return made


class EveryThread(Exception):
    """Not only loops over ``range(cuda.grid(1), n, cuda.gridsize(1))`` write."""


class Form(ast.NodeTransformer):
    """Knows what the names of the kernel stand for: "grid", "threadIdx" and so on, with an axis."""

    def __init__(self, source: Source, strides: bool) -> None:
        """``strides``: whether loops that stride over the grid become loops over all items."""
        self.source, self.strides = source, strides
        self.items: list[ast.For] = []  # such loops, not those in others
        self.nested: list[ast.For] = []  # such loops in others, over threads of another axis
        self.strided: dict[int, frozenset[int]] = {}  # the axes of each, by identity
        self.atomic: set[int] = set()  # lines of atomic additions
        self.kinds: dict[str, tuple[str, int]] = {}
        self.loop_names: dict[int, str] = {}  # axis -> the variable of its loop
        self.uses_threads = False

    def refuse(self, node: ast.AST, text: str, advice: str = "") -> Any:
        raise UnsupportedError(f"{text} in a kernel", self.source.loc(node), advice)

    # ------------------------------------------------------------ the whole

    def body(self, stmts: list[ast.stmt]) -> tuple[list[ast.stmt], int]:
        stmts = self.without_returns(counted(self.with_constants(stmts)))
        stores = [name for s in stmts for n in ast.walk(s) for name in stored_by(n)]
        rest: list[ast.stmt] = []
        for stmt in stmts:
            if not self.note(stmt, stores):
                rest.append(stmt)
        made = [self.visit(stmt) for stmt in rest]
        own = sorted({a.arg for a in self.source.node.args.args} & set(stores))
        if self.strides:
            others = [s for s in made if not any(s is loop for loop in self.items)]
            if self.uses_threads or any(written_in(s) for s in others):
                raise EveryThread
            for one in self.items:  # nothing makes the threads wait for each other between loops
                arrays = written_in(one)
                elsewhere = [n for s in made if s is not one for n in ast.walk(s)]
                if any(isinstance(n, ast.Name) and n.id in arrays for n in elsewhere):
                    raise EveryThread
                if any(name in stored_by(n) for n in ast.walk(one) for name in own):
                    raise EveryThread
            begin = [own_variable(name, stmts[0]) for name in own]
            return [*begin, *(Renamed(own).visit(stmt) for stmt in made)], 0
        axes = 1 + max(self.loop_names, default=0)
        loops: list[ast.stmt] = [own_variable(name, stmts[0]) for name in own]
        loops += [Renamed(own).visit(stmt) for stmt in made]
        for axis in range(axes):
            target = ast.Name(self.loop_name(axis), ast.Store())
            count = ast.Name(f"threads_{AXES[axis]}", ast.Load())
            over = ast.Call(ast.Name("range", ast.Load()), [count], [])
            loop = ast.For(target, over, loops, [])
            loops = [ast.copy_location(loop, stmts[0])]
        return loops, axes

    def with_constants(self, stmts: list[ast.stmt]) -> list[ast.stmt]:
        """``table = cuda.const.array_like(TABLE)`` as another name of an array that is known."""
        found: dict[str, ast.expr] = {}
        stores = [name for s in stmts for n in ast.walk(s) for name in stored_by(n)]
        for stmt in stmts:
            match stmt:
                case ast.Assign([ast.Name(name)], ast.Call(func, [ast.Name() as array], [])):
                    known = self.cuda_name(func) == "const.array_like"
                    if (
                        known
                        and stores.count(name) == 1
                        and array.id not in self.source.local_names
                    ):
                        found[name] = array
                case _:
                    pass
        return [Replaced(found).visit(s) for s in stmts if not any(assigns(s, n) for n in found)]

    def without_returns(self, stmts: list[ast.stmt]) -> list[ast.stmt]:
        """``if i >= n: return`` and what follows as ``if`` and ``else``."""
        out: list[ast.stmt] = []
        for k, stmt in enumerate(stmts):
            if isinstance(stmt, ast.Return):
                if stmt.value is not None and not is_none(stmt.value):
                    self.refuse(stmt, "a returned value")
                return out
            if isinstance(stmt, ast.If) and returns(stmt):
                if stmt.orelse or not isinstance(stmt.body[-1], ast.Return):
                    self.refuse(stmt, "this return", "Write if and else.")
                then = self.without_returns(stmt.body[:-1]) or [ast.Pass()]
                rest = self.without_returns(stmts[k + 1 :])
                test: ast.expr = stmt.test
                if isinstance(then[0], ast.Pass):
                    test, then, rest = ast.UnaryOp(ast.Not(), test), rest or [ast.Pass()], []
                made = ast.If(test, then, rest)
                out.append(ast.fix_missing_locations(ast.copy_location(made, stmt)))
                return out
            if returns(stmt):
                self.refuse(stmt, "a return from within a loop", "Let the loop end instead.")
            out.append(stmt)
        return out

    # ------------------------------------------------------------ thread indices

    def note(self, stmt: ast.stmt, stores: list[str]) -> bool:
        """Whether ``stmt`` only gives names to indices or counts of threads, each once."""
        match stmt:
            case ast.Assign([ast.Name(name)], value) if stores.count(name) == 1:
                kind = self.kind(value)
                if kind is None:
                    return False
                self.kinds[name] = kind
                if kind[0] == "grid":
                    self.loop_names.setdefault(kind[1], name)
                return True
            case ast.Assign([ast.Tuple(names)], ast.Call(func, [ast.Constant(int() as count)])):
                which = self.cuda_name(func)
                if which not in ("grid", "gridsize") or len(names) != count:
                    return False
                for axis, one in enumerate(names):
                    if not isinstance(one, ast.Name) or stores.count(one.id) != 1:
                        return False
                    self.kinds[one.id] = (which, axis)
                    if which == "grid":
                        self.loop_names.setdefault(axis, one.id)
                return True
            case _:
                return False

    def cuda_name(self, node: ast.expr) -> str | None:
        """``cuda.a.b`` -> "a.b"; None if it is something else."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not parts or not isinstance(node, ast.Name) or node.id in self.source.local_names:
            return None
        try:
            value = self.source.lookup(node.id)
        except KeyError:
            return None
        if getattr(value, "__name__", "") not in ("numba.cuda", "numba_cuda_mlir.cuda"):
            return None
        return ".".join(reversed(parts))

    def kind(self, node: ast.expr) -> tuple[str, int] | None:
        """What an expression is, if it is an index of threads or a count of them."""
        match node:
            case ast.Name(name):
                return self.kinds.get(name)
            case ast.Call(func, [ast.Constant(1)]):
                which = self.cuda_name(func)
                return (which, 0) if which in ("grid", "gridsize") else None
            case ast.Attribute():
                base, _, axis = (self.cuda_name(node) or "").partition(".")
                known = base in ("threadIdx", "blockIdx", "blockDim", "gridDim") and axis in AXES
                return (base, AXES.index(axis)) if known else None
            case ast.BinOp(a, ast.Mult() | ast.Add() as op, b):
                left, right = self.kind(a), self.kind(b)
                if left is None or right is None or left[1] != right[1]:
                    return None
                pair = frozenset((left[0], right[0]))
                return (_PAIRS[type(op), pair], left[1]) if (type(op), pair) in _PAIRS else None
            case _:
                return None

    def loop_name(self, axis: int) -> str:
        return self.loop_names.get(axis, f"thread_{AXES[axis]}")

    def thread(self, node: ast.AST, axis: int) -> ast.expr:
        self.uses_threads = True
        self.loop_names.setdefault(axis, f"thread_{AXES[axis]}")
        return ast.copy_location(ast.Name(self.loop_name(axis), ast.Load()), node)

    # ------------------------------------------------------------ statements and expressions

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.expr) and (found := self.kind(node)) is not None:
            which, axis = found
            if which == "grid":
                return self.thread(node, axis)
            if which == "gridsize":
                self.uses_threads = True
                self.loop_names.setdefault(axis, f"thread_{AXES[axis]}")
                return ast.copy_location(ast.Name(f"threads_{AXES[axis]}", ast.Load()), node)
            return self.refuse(
                node, f"cuda.{which} alone", "Only the index within the whole grid is known."
            )
        return super().visit(node)

    def visit_For(self, node: ast.For) -> Any:
        match node.iter:
            case ast.Call(ast.Name("range"), [start, stop, step], []):
                first, stride = self.kind(start), self.kind(step)
                axis = first[1] if first is not None and first[0] == "grid" else -1
                if self.strides and stride == ("gridsize", axis):
                    stop = self.visit(stop)
                    node.iter = ast.copy_location(
                        ast.Call(ast.Name("range", ast.Load()), [stop], []), node.iter
                    )
                    before = len(self.items)
                    node.body = [self.visit(s) for s in node.body]
                    self.strided[id(node)] = frozenset((axis,))
                    inner, self.items[before:] = self.items[before:], [node]
                    if inner:
                        self.nest(node, inner)
                    return node
            case _:
                pass
        return self.generic_visit(node)

    def nest(self, loop: ast.For, inner: list[ast.For]) -> None:
        """Threads of two axes: all that ``loop`` does but for names stands in the loop within."""
        axes = self.strided[id(loop)]
        names = [s for s in loop.body if s is not inner[0]]
        named = {name for s in names for n in ast.walk(s) for name in stored_by(n)}
        if (
            len(inner) > 1
            or any(name in named for n in ast.walk(inner[0]) for name in stored_by(n))
            or axes & self.strided[id(inner[0])]
            or loop.body[-1] is not inner[0]
            or not all(isinstance(s, ast.Assign) and not written_in(s) for s in names)
        ):
            raise EveryThread
        self.strided[id(loop)] = axes | self.strided[id(inner[0])]
        self.nested += inner

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        """``out[i] += v`` reads and writes; only atomic.add adds."""
        if isinstance(node.target, ast.Subscript):
            read = copy.deepcopy(node.target)
            read.ctx = ast.Load()
            made = ast.Assign([node.target], ast.BinOp(read, node.op, node.value))
            return self.generic_visit(ast.fix_missing_locations(ast.copy_location(made, node)))
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> Any:
        match node.value:
            case ast.Call(func, [array, index, value], []) if self.cuda_name(func) in _ADDS:
                self.atomic.add(self.source.loc(node).line)
                place = ast.Subscript(self.visit(array), self.visit(index), ast.Store())
                op = _ADDS[self.cuda_name(func) or ""]()
                made = ast.AugAssign(place, op, self.visit(value))
                return ast.fix_missing_locations(ast.copy_location(made, node))
            case _:
                return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> Any:
        if self.cuda_name(node.func) == "local.array":
            return self.array(node, "cuda.local.array")
        return self.generic_visit(node)

    def array(self, node: ast.Call, name: str) -> ast.expr:
        given = dict(zip(("shape", "dtype"), node.args))
        given.update((k.arg or "**", k.value) for k in node.keywords)
        if given.keys() != {"shape", "dtype"}:
            self.refuse(node, f"{name} with other arguments than shape and dtype")
        args = [self.visit(given["shape"]), self.dtype(given["dtype"])]
        empty = ast.Attribute(ast.Name(_NUMPY, ast.Load()), "empty", ast.Load())
        made = ast.copy_location(ast.Call(empty, args, []), node)
        return ast.fix_missing_locations(made)

    def dtype(self, node: Any) -> ast.expr:
        """``np.float32``, ``numba.float32``, "float32", ``x.dtype``."""
        if isinstance(node, ast.Constant):
            name = str(node.value)
        else:
            try:
                code = compile(ast.Expression(node), "dtype", "eval")
                value = eval(code, dict(self.source.func.__globals__))
            except Exception:
                return node  # type: ignore[no-any-return]
            known = isinstance(value, type | np.dtype | str)  # else a type of Numba's
            name = str(np.dtype(value)) if known else str(value)
        return ast.Attribute(ast.Name(_NUMPY, ast.Load()), name, ast.Load())

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        name = self.cuda_name(node)
        if name is not None:
            first, _, rest = name.partition(".")
            other = _ATOMIC.get(rest, _OTHERS) if first == "atomic" else "It has no adjoint yet."
            self.refuse(node, f"cuda.{name}", _LATER.get(first, other))
        return self.generic_visit(node)


_PAIRS = {
    (ast.Mult, frozenset(("blockIdx", "blockDim"))): "base",
    (ast.Add, frozenset(("base", "threadIdx"))): "grid",
    (ast.Mult, frozenset(("blockDim", "gridDim"))): "gridsize",
}
