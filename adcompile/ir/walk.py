"""Reading and rebuilding IR trees: what a statement reads and defines, and maps over both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import assert_never

from adcompile.ir.nodes import (
    Accumulate,
    Alloc,
    Apply,
    Assign,
    AssignMany,
    Attribute,
    Binary,
    Block,
    Break,
    Call,
    Carried,
    Comment,
    Compare,
    Const,
    Copy,
    CopyInto,
    Custom,
    Dim,
    Do,
    Expr,
    Fill,
    For,
    If,
    Index,
    Join,
    Load,
    Logic,
    MakeTuple,
    Raise,
    Return,
    Select,
    Slice,
    Stmt,
    Store,
    Subscript,
    TupleGet,
    Unary,
    Unset,
    Var,
    View,
    While,
)

# ---------------------------------------------------------------- reading


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct operands of an expression, array references included, in order."""
    match expr:
        case Var() | Const():
            return ()
        case Unary(_, x):
            return (x,)
        case Binary(_, a, b) | Compare(_, a, b) | Logic(_, a, b):
            return (a, b)
        case Select(cond, a, b):
            return (cond, a, b)
        case Apply(_, args):
            return args
        case Subscript(base, index):
            return (base, *index_parts(index))
        case Load(array, places):
            return (array, *places)
        case Dim(array, _):
            return (array,)
        case Attribute(base, _) | TupleGet(base, _):
            return (base,)
        case MakeTuple(items):
            return items
        case _:
            assert_never(expr)


def index_parts(index: tuple[Index, ...]) -> tuple[Expr, ...]:
    """The expressions in an index, those of its slices included."""
    parts: list[Expr] = []
    for entry in index:
        if isinstance(entry, Slice):
            bounds = (entry.start, entry.stop, entry.step)
            parts.extend(bound for bound in bounds if bound is not None)
        else:
            parts.append(entry)
    return tuple(parts)


def subexpressions(expr: Expr) -> Iterator[Expr]:
    """The expression and everything inside it, outermost first."""
    yield expr
    for child in children(expr):
        yield from subexpressions(child)


def reads(expr: Expr) -> Iterator[Var]:
    """All variables in an expression, in order, repeats included."""
    if isinstance(expr, Var):
        yield expr
    for child in children(expr):
        yield from reads(child)


def index_reads(index: tuple[Index, ...]) -> Iterator[Var]:
    """All variables in an index."""
    for part in index_parts(index):
        yield from reads(part)


def stmt_exprs(stmt: Stmt) -> tuple[Expr, ...]:
    """The expressions a statement evaluates itself, array references included; not those of
    nested blocks."""
    match stmt:
        case Assign(_, value):
            return (value,)
        case AssignMany(_, values) | Return(values):
            return values
        case Store(array, index, value) | Accumulate(array, index, value):
            return (array, *index_parts(index), value)
        case Fill(array, index, value) | CopyInto(array, index, value):
            return (array, *index_parts(index), value)
        case Alloc(_, _, args, keywords):
            return (*args, *(value for _, value in keywords))
        case Copy(_, source):
            return (source,)
        case View(_, base, index):
            return (base, *index_parts(index))
        case Call(_, _, args) | Do(_, args) | Raise(_, args):
            return args
        case Custom(_, values, args, _, residuals):
            return (*values, *args, *residuals)
        case If(cond) | While(cond):
            return (cond,)
        case For(_, start, stop, step):
            return (start, stop, step)
        case Break() | Unset() | Comment():
            return ()
        case _:
            assert_never(stmt)


def stmt_reads(stmt: Stmt) -> Iterator[Var]:
    """The variables a statement reads itself: not those of nested blocks, joins or carried, nor
    a loop's exit variable."""
    for expr in stmt_exprs(stmt):
        yield from reads(expr)


def stmt_defs(stmt: Stmt) -> Iterator[Var]:
    """The variables a statement defines itself, a loop's heads included: not those of nested
    blocks."""
    match stmt:
        case Assign(target) | Alloc(target) | Copy(target) | View(target):
            yield target
        case AssignMany(targets) | Call(targets) | Custom(targets):
            yield from targets
        case If(joins=joins):
            yield from (join.out for join in joins)
        case For(carried=carried) | While(carried=carried):
            if isinstance(stmt, For):
                yield stmt.var
            yield from (one.head for one in carried)
            yield from (one.out for one in carried)
        case Store() | Accumulate() | Fill() | CopyInto() | Do():
            return
        case Raise() | Break() | Unset() | Comment() | Return():
            return
        case _:
            assert_never(stmt)


def blocks(stmt: Stmt) -> tuple[Block, ...]:
    """The nested blocks of a statement."""
    match stmt:
        case If(_, then, orelse):
            return (then, orelse)
        case For(body=body) | While(body=body):
            return (body,)
        case _:
            return ()


def statements(block: Block) -> Iterator[Stmt]:
    """All statements of a block and of the blocks inside it, in program order."""
    for stmt in block:
        yield stmt
        for inner in blocks(stmt):
            yield from statements(inner)


# ---------------------------------------------------------------- rebuilding


def _array(expr: Expr) -> Var:
    if not isinstance(expr, Var):
        raise TypeError(f"an array reference became {expr!r}: it must stay a variable")
    return expr


def map_children(f: Callable[[Expr], Expr], expr: Expr) -> Expr:
    """The expression with ``f`` applied to each direct operand."""
    match expr:
        case Var() | Const():
            return expr
        case Unary(op, x):
            return Unary(op, f(x))
        case Binary(op, a, b):
            return Binary(op, f(a), f(b))
        case Compare(op, a, b):
            return Compare(op, f(a), f(b))
        case Logic(op, a, b):
            return Logic(op, f(a), f(b))
        case Select(cond, a, b):
            return Select(f(cond), f(a), f(b))
        case Apply(fn, args):
            return Apply(fn, tuple(f(arg) for arg in args))
        case Subscript(base, index):
            return Subscript(f(base), map_index(f, index))
        case Load(array, places):
            return Load(_array(f(array)), tuple(f(place) for place in places))
        case Dim(array, axis):
            return Dim(_array(f(array)), axis)
        case Attribute(base, name):
            return Attribute(f(base), name)
        case MakeTuple(items, maker):
            return MakeTuple(tuple(f(item) for item in items), maker)
        case TupleGet(base, item, count):
            return TupleGet(f(base), item, count)
        case _:
            assert_never(expr)


def map_index(f: Callable[[Expr], Expr], index: tuple[Index, ...]) -> tuple[Index, ...]:
    """The index with ``f`` applied to each expression directly in it."""

    def bound(expr: Expr | None) -> Expr | None:
        return None if expr is None else f(expr)

    return tuple(
        Slice(bound(entry.start), bound(entry.stop), bound(entry.step))
        if isinstance(entry, Slice)
        else f(entry)
        for entry in index
    )


def map_expr(f: Callable[[Expr], Expr], expr: Expr) -> Expr:
    """Rebuild bottom-up: ``f`` sees each node after its operands were mapped.  Array references
    (Load, Dim) are mapped too and must stay variables."""
    return f(map_children(lambda child: map_expr(f, child), expr))


def substitute(expr: Expr, mapping: Mapping[Var, Expr]) -> Expr:
    """Replace variables; what is put in is not looked through again."""
    if isinstance(expr, Var):
        return mapping.get(expr, expr)
    return map_children(lambda child: substitute(child, mapping), expr)


def map_stmt_exprs(f: Callable[[Expr], Expr], stmt: Stmt) -> Stmt:
    """The statement with ``f`` applied to each expression of ``stmt_exprs``: whole operands, not
    their parts.  Array references are mapped and must stay variables."""
    match stmt:
        case Assign(_, value):
            return replace(stmt, value=f(value))
        case AssignMany(_, values) | Return(values):
            return replace(stmt, values=tuple(f(value) for value in values))
        case Store(array, index, value) | Accumulate(array, index, value):
            return replace(stmt, array=_array(f(array)), index=map_index(f, index), value=f(value))
        case Fill(array, index, value):
            return replace(stmt, array=_array(f(array)), index=map_index(f, index), value=f(value))
        case CopyInto(array, index, source):
            return replace(
                stmt, array=_array(f(array)), index=map_index(f, index), source=_array(f(source))
            )
        case Alloc(_, _, args, keywords):
            return replace(
                stmt,
                args=tuple(f(arg) for arg in args),
                keywords=tuple((key, f(value)) for key, value in keywords),
            )
        case Copy(_, source):
            return replace(stmt, source=_array(f(source)))
        case View(_, base, index):
            return replace(stmt, base=_array(f(base)), index=map_index(f, index))
        case Call(_, _, args) | Do(_, args) | Raise(_, args):
            return replace(stmt, args=tuple(f(arg) for arg in args))
        case Custom():
            return replace(
                stmt,
                values=tuple(f(value) for value in stmt.values),
                args=tuple(f(arg) for arg in stmt.args),
                residuals=tuple(f(one) for one in stmt.residuals),
            )
        case If(cond) | While(cond):
            return replace(stmt, cond=f(cond))
        case For(_, start, stop, step):
            return replace(stmt, start=f(start), stop=f(stop), step=f(step))
        case Break() | Unset() | Comment():
            return stmt
        case _:
            assert_never(stmt)


def map_blocks(f: Callable[[Block], Block], stmt: Stmt) -> Stmt:
    """The statement with ``f`` applied to each nested block."""
    match stmt:
        case If(_, then, orelse):
            return replace(stmt, then=f(then), orelse=f(orelse))
        case For(body=body) | While(body=body):
            return replace(stmt, body=f(body))
        case _:
            return stmt


def rename_expr(expr: Expr, mapping: Mapping[Var, Var]) -> Expr:
    """Replace variables by variables."""
    if isinstance(expr, Var):
        return mapping.get(expr, expr)
    return map_children(lambda child: rename_expr(child, mapping), expr)


def rename_stmt(stmt: Stmt, mapping: Mapping[Var, Var]) -> Stmt:
    """Rename what a statement reads and defines, recursively through nested blocks."""

    def name(var: Var) -> Var:
        return mapping.get(var, var)

    def maybe(var: Var | None) -> Var | None:
        return None if var is None else name(var)

    def handed(carried: tuple[Carried, ...]) -> tuple[Carried, ...]:
        return tuple(
            Carried(name(one.head), maybe(one.init), name(one.next), name(one.out))
            for one in carried
        )

    stmt = map_stmt_exprs(lambda expr: rename_expr(expr, mapping), stmt)
    stmt = map_blocks(lambda block: rename_block(block, mapping), stmt)
    match stmt:
        case Assign(target) | Alloc(target) | Copy(target) | View(target):
            return replace(stmt, target=name(target))
        case AssignMany(targets) | Call(targets) | Custom(targets):
            return replace(stmt, targets=tuple(name(target) for target in targets))
        case If(joins=joins):
            return replace(
                stmt,
                joins=tuple(Join(name(j.out), maybe(j.then), maybe(j.orelse)) for j in joins),
            )
        case For(var=var, exit=exit_, carried=carried):
            return replace(stmt, var=name(var), exit=maybe(exit_), carried=handed(carried))
        case While(exit=exit_, carried=carried):
            return replace(stmt, exit=maybe(exit_), carried=handed(carried))
        case _:
            return stmt


def rename_block(block: Block, mapping: Mapping[Var, Var]) -> Block:
    """``rename_stmt`` over a block."""
    return tuple(rename_stmt(stmt, mapping) for stmt in block)
