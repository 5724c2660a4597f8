"""The rules of the two dialects, checked.  A failure is a bug of ours, never of the user."""

from __future__ import annotations

from collections.abc import Iterator
from types import EllipsisType
from typing import Literal, assert_never

from adcompile.errors import Loc, VerifierError
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
    Function,
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
from adcompile.ir.walk import (
    index_parts,
    statements,
    stmt_defs,
    stmt_exprs,
    stmt_reads,
    subexpressions,
)

Dialect = Literal["plain", "ssa"]

_UNARY = frozenset(("-", "+", "~", "not"))
_BINARY = frozenset(("+", "-", "*", "/", "//", "%", "**", "&", "|", "^", "<<", ">>"))
_COMPARE = frozenset(("==", "!=", "<", "<=", ">", ">="))
_LOGIC = frozenset(("and", "or"))


def verify(fn: Function, dialect: Dialect) -> None:
    """Raise VerifierError if ``fn`` is not a well-formed program of the dialect."""
    checker = _Checker(fn, dialect)
    visible = set(fn.params) | {var for var, _ in fn.constants}
    if len(visible) != len(fn.params) + len(fn.constants):
        raise VerifierError(f"{fn.name}: a parameter or constant is listed twice", fn.loc)
    checker.defined |= visible
    returns = [stmt for stmt in statements(fn.body) if isinstance(stmt, Return)]
    if len(returns) != 1 or fn.body[-1] is not returns[0]:
        raise VerifierError(
            f"{fn.name}: {len(returns)} Return statements, wanted one, at the end", fn.loc
        )
    match dialect:
        case "plain":
            checker.plain_block(fn.body, visible, in_loop=False)
        case "ssa":
            checker.ssa_block(fn.body, visible)
        case _:
            assert_never(dialect)


def describe(stmt: Stmt) -> str:
    """A short account of a statement for error messages."""
    defs = ", ".join(repr(var) for var in stmt_defs(stmt))
    return f"{type(stmt).__name__} {defs}".rstrip()


class _Checker:
    def __init__(self, fn: Function, dialect: Dialect) -> None:
        self.fn = fn
        self.dialect = dialect
        self.defined: set[Var] = set()

    def fail(self, stmt: Stmt, problem: str) -> VerifierError:
        loc: Loc = stmt.loc
        return VerifierError(f"{self.fn.name} ({self.dialect}), {describe(stmt)}: {problem}", loc)

    # ------------------------------------------------------------ both dialects

    def shape(self, stmt: Stmt) -> None:
        """The nodes are well formed, and belong to the dialect."""
        for expr in stmt_exprs(stmt):
            for part in subexpressions(expr):
                problem = expr_problem(part)
                if problem:
                    raise self.fail(stmt, problem)
        problem = stmt_problem(stmt) or (
            ssa_problem(stmt) if self.dialect == "ssa" else plain_problem(stmt)
        )
        if problem:
            raise self.fail(stmt, problem)

    def ends(self, block: Block, at: int) -> None:
        """Nothing but the Return may follow a Raise or Break."""
        stmt = block[at]
        rest = [one for one in block[at + 1 :] if not isinstance(one, Comment | Return)]
        if isinstance(stmt, Raise | Break) and rest:
            raise self.fail(rest[0], f"follows a {type(stmt).__name__}")

    def seen(self, stmt: Stmt, var: Var | None, visible: set[Var], role: str) -> None:
        if var is not None and var not in visible:
            hint = " (defined in another scope)" if var in self.defined else ""
            raise self.fail(stmt, f"{role} {var!r}, which is not defined here{hint}")

    # ------------------------------------------------------------ ssa

    def define(self, stmt: Stmt, var: Var) -> None:
        if var in self.defined:
            raise self.fail(stmt, f"defines {var!r} a second time")
        self.defined.add(var)

    def ssa_block(self, block: Block, outer: set[Var]) -> set[Var]:
        """Check a block; returns what is visible at its end."""
        visible = set(outer)
        for at, stmt in enumerate(block):
            self.ends(block, at)
            self.shape(stmt)
            match stmt:
                case If(_, then, orelse, joins):
                    self.ssa_reads(stmt, visible)
                    self.ssa_joins(
                        stmt,
                        joins,
                        self.ssa_block(then, visible),
                        self.ssa_block(orelse, visible),
                    )
                    visible |= {join.out for join in joins}
                case For() | While():
                    self.ssa_loop(stmt, visible)
                    visible |= {one.out for one in stmt.carried}
                case _:
                    self.ssa_reads(stmt, visible)
                    for var in stmt_defs(stmt):
                        self.define(stmt, var)
                        visible.add(var)
        return visible

    def ssa_reads(self, stmt: Stmt, visible: set[Var]) -> None:
        for var in stmt_reads(stmt):
            self.seen(stmt, var, visible, "reads")

    def ssa_joins(
        self, stmt: Stmt, joins: tuple[Join, ...], then: set[Var], orelse: set[Var]
    ) -> None:
        for join in joins:
            if join.then is None and join.orelse is None:
                raise self.fail(stmt, f"joins nothing into {join.out!r}")
            self.seen(stmt, join.then, then, "joins from its then-branch")
            self.seen(stmt, join.orelse, orelse, "joins from its else-branch")
            self.define(stmt, join.out)

    def ssa_loop(self, stmt: For | While, visible: set[Var]) -> None:
        carried: tuple[Carried, ...] = stmt.carried
        for one in carried:
            self.seen(stmt, one.init, visible, "starts with")
        inside = set(visible)
        if isinstance(stmt, For):
            self.ssa_reads(stmt, visible)
            self.define(stmt, stmt.var)
            inside.add(stmt.var)
        for one in carried:
            self.define(stmt, one.head)
            inside.add(one.head)
        if isinstance(stmt, While):
            self.ssa_reads(stmt, inside)
        end = self.ssa_block(stmt.body, inside)
        for one in carried:
            self.seen(stmt, one.next, end, "carries on")
            self.define(stmt, one.out)
        self.seen(stmt, stmt.exit, end, "has the exit variable")

    # ------------------------------------------------------------ plain

    def plain_block(self, block: Block, visible: set[Var], in_loop: bool) -> None:
        """Check a block.  ``visible`` grows: what is assigned so far in program order."""
        for at, stmt in enumerate(block):
            self.ends(block, at)
            self.shape(stmt)
            if isinstance(stmt, Break) and not in_loop:
                raise self.fail(stmt, "outside a loop")
            match stmt:
                case If(_, then, orelse):
                    self.ssa_reads(stmt, visible)
                    self.plain_block(then, visible, in_loop)
                    self.plain_block(orelse, visible, in_loop)
                case For() | While():
                    self.plain_loop(stmt, visible)
                case _:
                    self.ssa_reads(stmt, visible)
                    visible.update(stmt_defs(stmt))
                    self.defined.update(stmt_defs(stmt))

    def plain_loop(self, stmt: For | While, visible: set[Var]) -> None:
        # An earlier iteration may have assigned what is read above its assignment.
        made = list(_assigned(stmt.body))
        self.ssa_reads(stmt, visible if isinstance(stmt, For) else visible | set(made))
        if isinstance(stmt, For):
            if stmt.var in made:
                raise self.fail(stmt, f"assigns its own variable {stmt.var!r} in its body")
            made.append(stmt.var)
        visible.update(made)
        self.defined.update(made)
        self.seen(stmt, stmt.exit, visible, "has the exit variable")
        self.plain_block(stmt.body, visible, in_loop=True)


def _assigned(block: Block) -> Iterator[Var]:
    for stmt in statements(block):
        yield from stmt_defs(stmt)


# ---------------------------------------------------------------- single nodes


def dotted(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


def expr_problem(expr: Expr) -> str:
    """What is wrong with this one expression node, or nothing."""
    match expr:
        case Var(name):
            return "" if name else "a variable has no name"
        case Const(value):
            good = value is None or isinstance(value, int | float | complex | str | EllipsisType)
            return "" if good else f"constant of type {type(value).__name__}"
        case Unary(op):
            return _op(op, _UNARY)
        case Binary(op):
            return _op(op, _BINARY)
        case Compare(op):
            return _op(op, _COMPARE)
        case Logic(op):
            return _op(op, _LOGIC)
        case Apply(fn, args):
            return _name(fn) or _no_slices(args)
        case Load(_, index):
            return _no_slices(index) or ("" if index else "Load without an index")
        case Subscript(_, index):
            return "" if index else "Subscript without an index"
        case Dim(_, axis):
            return "" if axis >= 0 else f"negative axis {axis}"
        case TupleGet(_, item):
            return "" if item >= 0 else f"negative tuple item {item}"
        case MakeTuple(items):
            return _no_slices(items)
        case Attribute(_, name):
            return _name(name)
        case Select():
            return ""
        case _:
            assert_never(expr)


def stmt_problem(stmt: Stmt) -> str:
    """What is wrong with this one statement, its expressions and blocks aside."""
    match stmt:
        case AssignMany(targets, values):
            if len(targets) != len(values) or len(set(targets)) != len(targets):
                return "targets repeat, or differ in number from values"
            return ""
        case Accumulate(_, index, _, op):
            return _op(op, frozenset("+-")) or ("" if index else "no index") or _index(index)
        case Store(_, index):
            return _index(index) or ("" if index else "no index")
        case Fill(_, index) | CopyInto(_, index) | View(_, _, index):
            return _index(index)
        case Alloc(_, fn, args, keywords):
            values = (*args, *(value for _, value in keywords))
            return _name(fn) or _no_slices(values)
        case Call(_, fn, args) | Do(fn, args) | Raise(fn, args):
            return _name(fn) or _no_slices(args)
        case Custom(targets, values):
            return "" if len(targets) == len(values) else "targets and values differ in number"
        case If() | For() | While() | Assign() | Copy():
            return ""
        case Break() | Unset() | Comment() | Return():
            return ""
        case _:
            assert_never(stmt)


def ssa_problem(stmt: Stmt) -> str:
    if isinstance(stmt, AssignMany | Do | Break):
        return f"{type(stmt).__name__} belongs to the plain dialect"
    if isinstance(stmt, Store | Accumulate | Fill) and not isinstance(stmt.value, Var | Const):
        return "a stored value without a name, through which no adjoint would flow"
    return ""


def plain_problem(stmt: Stmt) -> str:
    if isinstance(stmt, If) and stmt.joins:
        return "joins belong to the ssa dialect"
    if isinstance(stmt, For | While) and stmt.carried:
        return "carried variables belong to the ssa dialect"
    return ""


def _op(op: str, known: frozenset[str]) -> str:
    return "" if op in known else f"unknown operator {op!r}"


def _name(name: str) -> str:
    return "" if dotted(name) else f"{name!r} is not a dotted name"


def _no_slices(parts: tuple[Expr, ...]) -> str:
    return "a Slice outside an index" if any(isinstance(part, Slice) for part in parts) else ""


def _index(index: tuple[Index, ...]) -> str:
    return _no_slices(index_parts(index))
