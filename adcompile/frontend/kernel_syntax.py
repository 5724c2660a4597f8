"""Questions about the syntax of kernels, and small changes to it."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from typing import TypeGuard

_STEPS = 63  # of a number that is halved or doubled, at most
_BLOCK = 10  # of half the number of threads of a block, which is at most 1024


class Renamed(ast.NodeTransformer):
    """Parameters that a thread assigns, which are its own from then on."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        if node.id in self.names:
            return ast.copy_location(ast.Name(f"{node.id}own_variable", node.ctx), node)
        return node


def own_variable(name: str, where: ast.stmt) -> ast.stmt:
    made = ast.Assign([ast.Name(f"{name}own_variable", ast.Store())], ast.Name(name, ast.Load()))
    return ast.fix_missing_locations(ast.copy_location(made, where))


def assigns(stmt: ast.stmt, name: str) -> TypeGuard[ast.Assign]:
    match stmt:
        case ast.Assign([ast.Name(target)]):
            return target == name
        case _:
            return False


def stored_by(node: ast.AST) -> list[str]:
    return [node.id] if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else []


def written_in(stmt: ast.stmt) -> set[str]:
    """The arrays that a statement may write: those whose elements it assigns, and those that it
    passes to functions other than those of numbers."""
    found: set[str] = set()
    for node in ast.walk(stmt):
        match node:
            case ast.Subscript(ast.Name(name), ctx=ast.Store()):
                found.add(name)
            case ast.Subscript(ctx=ast.Store()):
                found.update(n.id for n in ast.walk(node) if isinstance(n, ast.Name))
            case ast.Call(ast.Attribute(ast.Name("math" | "np" | "numpy"))):
                pass
            case ast.Call(ast.Name("range" | "min" | "max" | "abs" | "float" | "int" | "len")):
                pass
            case ast.Call(args=args, keywords=keywords):
                given = [*args, *(k.value for k in keywords)]
                found.update(n.id for g in given for n in ast.walk(g) if isinstance(n, ast.Name))
                found.add("()")  # something, if it is given nothing
            case _:
                pass
    return found


def returns(stmt: ast.stmt) -> bool:
    return any(isinstance(n, ast.Return) for n in inside(stmt))


def inside(stmt: ast.AST) -> Iterator[ast.AST]:
    yield stmt
    for child in ast.iter_child_nodes(stmt):
        if not isinstance(child, ast.FunctionDef | ast.Lambda):
            yield from inside(child)


def is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def most_steps(
    loop: ast.While,
    body: list[ast.stmt],
    start: ast.expr | None,
    is_block: Callable[[ast.expr], bool],
) -> int | None:
    """A bound for loops that halve or double what their condition reads; None for others."""
    match loop.test:
        case ast.Compare(ast.Name(name), [ast.Gt() | ast.GtE() | ast.NotEq()], [ast.Constant(low)]):
            down = True
        case ast.Compare(ast.Name(name), [ast.Lt() | ast.LtE()], [_]):
            down, low = False, 1
        case _:
            return None
    if low not in (0, 1) or (isinstance(loop.test, ast.Compare) and low == 0 and _has_equal(loop)):
        return None
    changes = [s for s in body if name in [m for n in ast.walk(s) for m in stored_by(n)]]
    match changes:
        case [ast.AugAssign(ast.Name(), ast.FloorDiv(), ast.Constant(2))] if down:
            pass
        case [ast.AugAssign(ast.Name(), ast.RShift(), ast.Constant(1))] if down:
            pass
        case [ast.AugAssign(ast.Name(), ast.Mult(), ast.Constant(2))] if not down:
            return _STEPS
        case [ast.AugAssign(ast.Name(), ast.LShift(), ast.Constant(1))] if not down:
            return _STEPS
        case [ast.Assign([ast.Name()], ast.BinOp(ast.Name(n), op, ast.Constant(by)))] if down:
            if n != name or (type(op), by) not in ((ast.FloorDiv, 2), (ast.RShift, 1)):
                return None
        case _:
            return None
    match start:
        case ast.Constant(int() as value):
            return max(value, 1).bit_length()
        case ast.BinOp(whole, ast.FloorDiv(), ast.Constant(2)) if is_block(whole):
            return _BLOCK
        case ast.BinOp(whole, ast.RShift(), ast.Constant(1)) if is_block(whole):
            return _BLOCK
        case _:
            return _STEPS


def shifted(
    loop: ast.While, start: ast.expr, is_block: Callable[[ast.expr], bool]
) -> tuple[ast.operator, int] | None:
    """Of a loop that ``most_steps`` bounds, whose number begins as ``start``: how that number in
    the iteration k comes from the first by k, and how often the loop runs at most.  None if it is
    not the last statement that changes the number, or the condition could hold again after it has
    not: then iterations need the number of the one before."""
    most = most_steps(loop, loop.body, start, is_block)
    match loop.test:
        case ast.Compare(ast.Name(name), [ast.Gt() | ast.GtE() | ast.Lt() | ast.LtE()], [bound]):
            pass
        case _:
            return None
    changed = [n for node in ast.walk(loop.body[-1]) for n in stored_by(node)]
    if most is None or changed != [name]:
        return None
    if isinstance(loop.test.ops[0], ast.Gt | ast.GtE):
        return ast.RShift(), most
    stores = {m for s in loop.body for n in ast.walk(s) for m in stored_by(n)}
    if any(isinstance(n, ast.Name) and n.id in stores for n in ast.walk(bound)):
        return None
    match start:
        case ast.Constant(bool()):
            return None
        case ast.Constant(int() as value) if 1 <= value < 1 << 32:
            most = _BLOCK + 1 if is_block(bound) else most
            return ast.LShift(), min(most, 64 - value.bit_length())  # within 63 bits
        case _:
            return None


def _has_equal(loop: ast.While) -> bool:
    return isinstance(loop.test, ast.Compare) and isinstance(loop.test.ops[0], ast.GtE)


class Replaced(ast.NodeTransformer):
    """Names by expressions."""

    def __init__(self, values: dict[str, ast.expr], but: str = "") -> None:
        self.values, self.but = values, but

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if isinstance(node.ctx, ast.Load) and node.id in self.values and node.id != self.but:
            made = copy.deepcopy(self.values[node.id])
            for part in ast.walk(made):
                ast.copy_location(part, node)
            return made
        return node


def starts(stmts: list[ast.stmt], name: str) -> bool:
    """Whether ``stmts`` read of the name only what they have assigned themselves."""
    if _is_in_loops(stmts, name):
        return True
    for stmt in stmts:
        if not _mentions(stmt, name):
            continue
        match stmt:
            case ast.Assign([ast.Name(target)], value) if target == name:
                return not _mentions(value, name)
            case _:
                return False
    return True


def _is_in_loops(stmts: list[ast.stmt], name: str) -> bool:
    """Whether it is the variable of loops, and read in them alone."""
    loops = [n for s in stmts for n in ast.walk(s) if isinstance(n, ast.For)]
    over = [n for n in loops if isinstance(n.target, ast.Name) and n.target.id == name]
    inside = {id(m) for n in over for s in (n.target, *n.body) for m in ast.walk(s)}
    whole = [n for s in stmts for n in ast.walk(s) if isinstance(n, ast.Name)]
    return all(id(n) in inside for n in whole if n.id == name)


def _mentions(node: ast.AST, name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(node))


def counted(stmts: list[ast.stmt]) -> list[ast.stmt]:
    """``i = cuda.grid(1)`` and ``while i < n: ...; i += cuda.gridsize(1)`` as a for loop."""
    out: list[ast.stmt] = []
    for stmt in stmts:
        match stmt:
            case ast.While(
                ast.Compare(ast.Name(name), [ast.Lt()], [stop]),
                [*body, ast.AugAssign(ast.Name(again), ast.Add(), step)],
                [],
            ) if name == again:
                inner = [n for s in body for n in ast.walk(s)]
                start = [s.value for s in out if assigns(s, name)]
                whole = [n for s in stmts for n in ast.walk(s)]
                times = sum(name in stored_by(n) for n in whole)
                leaves = any(isinstance(n, ast.Continue | ast.Break) for n in inner)
                if len(start) == 1 and times == 2 and not leaves:
                    bounds = [copy.deepcopy(start[0]), stop, step]
                    over = ast.Call(ast.Name("range", ast.Load()), bounds, [])
                    loop = ast.For(ast.Name(name, ast.Store()), over, body, [])
                    out = [s for s in out if not assigns(s, name)]
                    out.append(ast.fix_missing_locations(ast.copy_location(loop, stmt)))
                    continue
            case _:
                pass
        out.append(stmt)
    return out
