"""A kernel with shared memory or ``syncthreads`` as a plain function: blocks become iterations of a
loop, and in each phase so do their threads.

    tile = cuda.shared.array(64, float64)       for block_x in range(blocks_x):
    t = cuda.threadIdx.x                            tile = np.empty(64, np.float64)
    i = cuda.grid(1)                                for thread_x in range(threads_x):
    tile[t] = x[i]                      ->              tile[thread_x] = x[...]
    cuda.syncthreads()                              for thread_x in range(threads_x):
    out[i] = tile[63 - t]                               out[...] = tile[63 - thread_x]
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Mapping
from typing import Any

from adcompile.frontend.kernel_names import named_apart
from adcompile.frontend.kernel_phases import (
    Around,
    Barrier,
    Item,
    Phase,
    Phases,
    Together,
)
from adcompile.frontend.kernel_syntax import (
    Renamed,
    Replaced,
    counted,
    most_steps,
    own_variable,
    shifted,
    stored_by,
)
from adcompile.frontend.kernels import _NUMPY, AXES, Form
from adcompile.frontend.source import Source

LOOPS = ("block_", "thread_")  # how the variables of loops over them begin
_TEXTS = {
    "grid": "block_{0} * threads_{0} + thread_{0}",
    "base": "block_{0} * threads_{0}",
    "gridsize": "blocks_{0} * threads_{0}",
    "threadIdx": "thread_{0}",
    "blockIdx": "block_{0}",
    "blockDim": "threads_{0}",
    "gridDim": "blocks_{0}",
}


_TAKEN = (*LOOPS, "blocks_", "threads_")


class BlockForm(Form):
    """``Form`` with blocks and threads apart."""

    def __init__(self, source: Source) -> None:
        super().__init__(source, strides=False)
        self.axes = 1
        self.replaced: dict[str, ast.expr] = {}
        self.bounds: list[ast.stmt] = []  # of loops, the same for all blocks
        self.stores: set[str] = set()
        self.counted_stores: Mapping[str, int] = {}
        self.counted_loads: Mapping[str, int] = {}

    @staticmethod
    def is_needed(source: Source, node: ast.FunctionDef) -> bool:
        """Whether the kernel has shared memory or barriers."""
        names = Form(source, strides=False)
        return any(
            names.cuda_name(n.func) in ("syncthreads", "shared.array")
            for n in ast.walk(node)
            if isinstance(n, ast.Call)
        )

    def body(self, stmts: list[ast.stmt]) -> tuple[list[ast.stmt], int]:
        stmts = self.without_returns(counted(self.with_constants(stmts)))
        for node in (n for s in stmts for n in ast.walk(s)):
            if isinstance(node, ast.Name) and node.id.startswith(_TAKEN):
                self.refuse(node, f"a variable named {node.id}", "Give it another name.")
        params = [a.arg for a in self.source.node.args.args]
        named_apart(stmts, set(params), set(self.source.local_names))
        stores = [name for s in stmts for n in ast.walk(s) for name in stored_by(n)]
        self.stores, self.counted_stores = set(stores), Counter(stores)
        names = [n for s in stmts for n in ast.walk(s) if isinstance(n, ast.Name)]
        self.counted_loads = Counter(n.id for n in names if isinstance(n.ctx, ast.Load))
        stmts = [s for s in stmts if not self.note(s, stores) and not _is_text(s)]
        for node in (n for s in stmts for n in ast.walk(s)):
            if isinstance(node, ast.expr) and (kind := self.kind(node)) is not None:
                self.axes = max(self.axes, kind[1] + 1)
        phases = Phases(
            params,
            set(stores),
            lambda node: (self.kind(node) or ("", 0))[0],
            self.is_barrier,
            self.is_shared,
            self.refuse,
        )
        items = phases.divide(stmts)
        self.replaced = dict(phases.again)
        inside = self.items_in(items)
        kept = [self.room(name, stmts[0]) for name in sorted(phases.kept)]
        own = sorted(set(params) & set(stores))
        inside = [*(own_variable(n, stmts[0]) for n in own), *kept, *inside]
        inside = [Renamed(own).visit(s) for s in inside]
        inside = [_Kept(phases.kept, self.axes).visit(s) for s in inside]
        for axis in range(self.axes):
            inside = [self.over("block", axis, inside, stmts[0])]
        return [*self.bounds, *inside], self.axes

    # ------------------------------------------------------------ statements

    def items_in(self, items: list[Item], before: tuple[Item, ...] = ()) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for k, item in enumerate(items):
            match item:
                case Barrier():
                    pass
                case Together(stmt):
                    out.append(self.visit(Replaced(self.replaced).visit(copy.deepcopy(stmt))))
                case Phase(stmts):
                    out += self.phase(stmts)
                case Around(stmt, parts):
                    out += self.around(stmt, parts, before, tuple(items[:k]))
        return [s for s in out if s is not None]

    def phase(self, stmts: list[ast.stmt]) -> list[ast.stmt]:
        inner: list[ast.stmt] = []
        for stmt in stmts:
            match stmt:
                case ast.Assign([ast.Name(name)]) if name in self.replaced:
                    continue
                case _:
                    inner.append(self.visit(Replaced(self.replaced).visit(copy.deepcopy(stmt))))
        if not inner:
            return []
        for axis in range(self.axes):
            inner = [self.over("thread", axis, inner, stmts[0])]
        return inner

    def around(
        self,
        stmt: ast.For | ast.While | ast.If,
        parts: list[list[Item]],
        outside: tuple[Item, ...],
        here: tuple[Item, ...],
    ) -> list[ast.stmt]:
        """``here``: what stands before it in its block; ``outside``: before the blocks around."""
        before = (*outside, *here)
        if isinstance(stmt, ast.While) and (made := self.stepping(stmt, parts, before, here)):
            return made
        bodies = [self.items_in(part, before) or [ast.Pass()] for part in parts]
        return [self.around_bodies(stmt, parts, bodies, before)]

    def around_bodies(
        self,
        stmt: ast.For | ast.While | ast.If,
        parts: list[list[Item]],
        bodies: list[list[ast.stmt]],
        before: tuple[Item, ...],
    ) -> ast.stmt:
        made = copy.copy(stmt)
        if isinstance(made, ast.For):
            over = Replaced(self.replaced).visit(copy.deepcopy(made.iter))
            if isinstance(over, ast.Call):
                over.args = [self.bound(one, stmt) for one in over.args]
            made.iter = self.visit(over)
            made.body = bodies[0]
            return _done(made, stmt)
        assert isinstance(made, ast.While | ast.If)
        made.test = self.visit(Replaced(self.replaced).visit(copy.deepcopy(made.test)))
        made.body = bodies[0]
        if isinstance(made, ast.If):
            made.orelse = bodies[1] if parts[1] else []
            return _done(made, stmt)
        assert isinstance(stmt, ast.While)
        start = _started(stmt, before, self.counted_stores)
        most = most_steps(stmt, stmt.body, start, self.is_block)
        if most is None:
            return self.refuse(  # type: ignore[no-any-return]
                stmt,
                "while with syncthreads in it",
                "Write `for _ in range(most)` with `if`, or halve a number that begins as "
                "cuda.blockDim.x // 2 until it is 0.",
            )
        branch = ast.If(made.test, made.body, [])
        count = ast.Call(ast.Name("range", ast.Load()), [ast.Constant(most)], [])
        loop = ast.For(ast.Name("block_step", ast.Store()), count, [branch], [])
        return _done(loop, stmt)

    def stepping(
        self,
        stmt: ast.While,
        parts: list[list[Item]],
        before: tuple[Item, ...],
        here: tuple[Item, ...],
    ) -> list[ast.stmt] | None:
        """``s = n; while s > 0: ...; s //= 2`` as a loop in which ``s`` is ``n >> block_step``:
        then nothing hands it on, and it is known to be positive.  None unless the loop alone
        reads it."""
        start = _started(stmt, here, self.counted_stores)
        found = None if start is None else shifted(stmt, start, self.is_block)
        if start is None or found is None:
            return None
        shift, most = found
        assert isinstance(stmt.test, ast.Compare) and isinstance(stmt.test.left, ast.Name)
        name = stmt.test.left.id
        if self.counted_loads[name] != sum(
            isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load)
            for n in ast.walk(stmt)
        ):
            return None
        out: list[ast.stmt] = []
        first = start
        if not isinstance(start, ast.Constant):
            first = ast.Name(f"block_first_{stmt.lineno}", ast.Load())
            out.append(ast.Assign([ast.Name(first.id, ast.Store())], ast.Name(name, ast.Load())))
        now = ast.BinOp(first, shift, ast.Name("block_step", ast.Load()))
        body = self.items_in(parts[0][:-1], before) or [ast.Pass()]
        test = self.visit(Replaced(self.replaced).visit(copy.deepcopy(stmt.test)))
        count = ast.Call(ast.Name("range", ast.Load()), [ast.Constant(most)], [])
        inner = [ast.Assign([ast.Name(name, ast.Store())], now), ast.If(test, body, [])]
        out.append(ast.For(ast.Name("block_step", ast.Store()), count, inner, []))
        return [_done(one, stmt) for one in out]

    def is_block(self, node: ast.expr) -> bool:
        return (self.kind(node) or ("", 0))[0] == "blockDim"

    def bound(self, value: ast.expr, where: ast.stmt) -> ast.expr:
        """A bound of a loop, by a name that it has before all loops if it is the same for all
        blocks: then a tape's length is known."""
        parts = [n for n in ast.walk(value) if isinstance(n, ast.expr)]
        kinds = {self.kind(n) for n in parts} - {None}
        if isinstance(value, ast.Constant | ast.Name) or any(
            isinstance(n, ast.Name) and n.id in self.stores for n in parts
        ):
            return value
        if any(kind is not None and kind[0] not in ("blockDim", "gridDim") for kind in kinds):
            return value
        name = f"block_bound_{len(self.bounds)}"
        made = ast.Assign([ast.Name(name, ast.Store())], self.visit(value))
        self.bounds.append(_done(made, where))
        return ast.copy_location(ast.Name(name, ast.Load()), value)

    def room(self, name: str, where: ast.stmt) -> ast.stmt:
        """An array with an element per thread."""
        counts = ", ".join(f"threads_{AXES[a]}" for a in reversed(range(self.axes)))
        made = ast.parse(f"{name}_kept = {_NUMPY}.empty(({counts},), {_NUMPY}.float64)").body[0]
        _moved(made, where)
        return made

    def over(self, what: str, axis: int, body: list[ast.stmt], where: ast.stmt) -> ast.stmt:
        made = ast.parse(f"for {what}_{AXES[axis]} in range({what}s_{AXES[axis]}): pass").body[0]
        assert isinstance(made, ast.For)
        _moved(made, where)
        made.body = body
        return made

    def is_barrier(self, stmt: ast.stmt) -> bool:
        match stmt:
            case ast.Expr(ast.Call(func, [], [])):
                return self.cuda_name(func) == "syncthreads"
            case _:
                return False

    def is_shared(self, stmt: ast.stmt) -> bool:
        match stmt:
            case ast.Assign([ast.Name()], ast.Call(func)):
                return self.cuda_name(func) == "shared.array"
            case _:
                return False

    # ------------------------------------------------------------ expressions

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.expr) and (found := self.kind(node)) is not None:
            made = ast.parse(_TEXTS[found[0]].format(AXES[found[1]]), mode="eval").body
            return _moved(made, node)
        return super().visit(node)

    def visit_Call(self, node: ast.Call) -> Any:
        if self.cuda_name(node.func) == "shared.array":
            for part in node.args[:1] + [k.value for k in node.keywords if k.arg == "shape"]:
                if self.is_zero(part):
                    self.refuse(node, "shared memory sized at the launch", "Write its size.")
            return self.array(node, "cuda.shared.array")
        return super().visit_Call(node)

    def is_zero(self, size: ast.expr) -> bool:
        match size:
            case ast.Constant(value):
                return bool(value == 0)
            case ast.Name(name) if name not in self.source.local_names:
                try:
                    return bool(self.source.lookup(name) == 0)
                except KeyError:
                    return False
            case _:
                return False


class _Kept(ast.NodeTransformer):
    """What threads keep: ``v`` becomes ``v_kept[thread_x]``."""

    def __init__(self, names: set[str], axes: int) -> None:
        self.names = names
        self.index = ", ".join(f"thread_{AXES[a]}" for a in reversed(range(axes)))

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in self.names:
            return node
        made = ast.parse(f"{node.id}_kept[{self.index}]", mode="eval").body
        assert isinstance(made, ast.Subscript)
        _moved(made, node)
        made.ctx = node.ctx
        return made


def _started(
    loop: ast.While, before: tuple[Item, ...], times: Mapping[str, int]
) -> ast.expr | None:
    """The value that the number in a loop's condition begins with, if it is assigned there and in
    the loop alone."""
    match loop.test:
        case ast.Compare(ast.Name(name)) if times.get(name) == 2:
            pass
        case _:
            return None
    found: ast.expr | None = None
    for item in before:
        match item:
            case Together(ast.Assign([ast.Name(target)], value)) if target == name:
                found = value
            case _:
                pass
    return found


def _is_text(stmt: ast.stmt) -> bool:
    return isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.Constant)


def _done(made: ast.stmt, where: ast.stmt) -> ast.stmt:
    return ast.fix_missing_locations(ast.copy_location(made, where))


def _moved(made: Any, where: ast.AST) -> Any:
    """All of ``made`` at the place of ``where``."""
    for node in ast.walk(made):
        if isinstance(node, ast.expr | ast.stmt):
            ast.copy_location(node, where)
    return ast.fix_missing_locations(made)
