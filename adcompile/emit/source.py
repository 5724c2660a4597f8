"""Plain IR printed as Python source, through astor.

The text is parsed again and must give the tree that was printed: a precedence mistake anywhere
would change floating-point results in silence.  That second tree also yields the line map.
"""

from __future__ import annotations

import ast
import linecache
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import assert_never

from adcompile.emit.names import merge, runtime_names
from adcompile.emit.syntax import BINARY, Syntax, constant, name_of
from adcompile.errors import NOWHERE, Loc, VerifierError
from adcompile.ir.nodes import (
    LEAVE,
    Accumulate,
    Alloc,
    Assign,
    AssignMany,
    Binary,
    Block,
    Break,
    Call,
    Comment,
    Const,
    Copy,
    CopyInto,
    Custom,
    Do,
    Expr,
    Fill,
    For,
    Function,
    If,
    Raise,
    Return,
    Stmt,
    Store,
    Unary,
    Unset,
    Var,
    View,
    While,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import astor
    from astor.code_gen import Precedence, SourceGenerator
    from astor.source_repr import wrap_line

__all__ = ["print_expression", "print_function", "runtime_names"]

WIDTH = 100
_MARK = "#:"
_AUGMENTED = ("+", "-", "*", "/")


def print_function(
    fn: Function, names: Mapping[Var, str], decorator: str | None = None, loc_comments: bool = False
) -> tuple[str, dict[int, Loc]]:
    """The plain function as source, and the user's place for each of its lines (from 1).

    ``loc_comments`` quotes each user statement in a comment above what was made from it.
    """
    fn = merge(fn, names)
    printer = _Printer(names, loc_comments)
    made = printer.function(fn, decorator)
    text = _write(made)
    again = ast.parse(text).body[0]
    if ast.dump(again) != ast.dump(made):
        raise VerifierError(f"{fn.name}: printed source does not read back as it was", fn.loc)
    lines: dict[int, Loc] = {}
    comments: dict[int, str] = {}
    for old, new in zip(_nodes(made), _nodes(again), strict=True):
        if _is_mark(new):
            comments[new.lineno] = _mark_text(new)
        loc = printer.places.get(id(old), NOWHERE)
        if loc.line:
            lines.update(dict.fromkeys(_header(new), loc))
    rows = text.splitlines()
    for line, comment in comments.items():
        row = rows[line - 1]
        indent = row[: len(row) - len(row.lstrip())]
        rows[line - 1] = f"{indent}# {comment}".rstrip()
    return "\n".join(rows) + "\n", lines


def print_expression(expr: Expr, names: Mapping[Var, str]) -> str:
    """One expression as source, for comments and messages."""
    return _write(ast.Expr(Syntax(names).expr(expr))).strip()


# ---------------------------------------------------------------- statements to ast


class _Printer:
    def __init__(self, names: Mapping[Var, str], loc_comments: bool) -> None:
        self.syntax = Syntax(names)
        self.loc_comments = loc_comments
        self.places: dict[int, Loc] = {}
        self.kept: list[ast.stmt] = []  # alive, so that the ids in places stay theirs

    def function(self, fn: Function, decorator: str | None) -> ast.FunctionDef:
        template = ast.parse(f"def {fn.name}():\n    pass").body[0]
        assert isinstance(template, ast.FunctionDef)
        names = [self.syntax.names[param] for param in fn.params]
        template.args.args = [ast.arg(name) for name in names]
        if decorator is not None:
            template.decorator_list = [ast.parse(decorator, mode="eval").body]
        doc: list[ast.stmt] = [ast.Expr(ast.Constant(fn.doc))] if fn.doc else []
        body = self.block(fn.body)
        template.body = doc + body if doc and not _only_pass(body) else doc or body
        self.place(template, fn.loc)
        return template

    def place(self, made: ast.stmt, loc: Loc) -> ast.stmt:
        self.places[id(made)] = loc
        self.kept.append(made)
        return made

    def block(self, block: Block, tail: Iterable[ast.stmt] = ()) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        said = NOWHERE
        for stmt in block:
            loc = stmt.loc
            if self.loc_comments and loc.line and (loc.file, loc.line) != (said.file, said.line):
                if not isinstance(stmt, Comment):
                    quote = linecache.getline(loc.file, loc.line).strip()
                    made.append(self.place(_mark(f"{loc.line}: {quote}"), loc))
                said = loc
            made.extend(self.place(one, loc) for one in self.stmt(stmt))
        made.extend(tail)
        if all(_is_mark(one) for one in made):
            made.append(ast.Pass())
        return made

    def stmt(self, stmt: Stmt) -> Iterator[ast.stmt]:
        to = self.syntax
        match stmt:
            case Assign():
                yield self.assign(stmt)
            case AssignMany(targets, values):
                left = ast.Tuple([to.target(target) for target in targets], ast.Store())
                yield ast.Assign([left], to.tuple_of(values))
            case Store(array, index, value) | Fill(array, index, value):
                yield ast.Assign([to.subscript(to.var(array), index, ast.Store())], to.expr(value))
            case CopyInto(array, index, source):
                yield ast.Assign([to.subscript(to.var(array), index, ast.Store())], to.var(source))
            case Accumulate(array, index, value, op):
                place = to.subscript(to.var(array), index, ast.Store())
                assert isinstance(place, ast.Subscript)
                yield ast.AugAssign(place, BINARY[op](), to.expr(value))
            case Alloc(target, fn, args, keywords):
                yield ast.Assign([to.target(target)], to.call(fn, args, keywords))
            case Call(targets, fn, args):
                called = to.call(fn, args)
                if len(targets) == 1:
                    yield ast.Assign([to.target(targets[0])], called)
                elif targets:
                    items = ast.Tuple([to.target(target) for target in targets], ast.Store())
                    yield ast.Assign([items], called)
                else:
                    yield ast.Expr(called)
            case Custom(targets, values):  # to find types; sweeps have other statements for it
                for target, value in zip(targets, values, strict=True):
                    yield ast.Assign([to.target(target)], to.expr(value))
            case Copy(target, source):
                copy = ast.Attribute(to.var(source), "copy", ast.Load())
                yield ast.Assign([to.target(target)], ast.Call(copy, [], []))
            case View(target, base, index):
                view = to.subscript(to.var(base), index, ast.Load())
                yield ast.Assign([to.target(target)], view)
            case Do(fn, args):
                yield ast.Expr(to.call(fn, args))
            case If():
                yield self.branch(stmt)
            case For():
                body = self.block(stmt.body, self.check(stmt))
                yield ast.For(to.target(stmt.var), self.range(stmt), body, [])
            case While(cond, body):
                yield ast.While(to.expr(cond), self.block(body, self.check(stmt)), [])
            case Raise(exception, args):
                yield ast.Raise(to.call(exception, args), None)
            case Unset():
                pass
            case Break():
                yield ast.Break()
            case Comment(text):
                for line in text.splitlines() or [""]:
                    yield _mark(line)
            case Return(values):
                if len(values) == 1:
                    yield ast.Return(to.expr(values[0]))
                elif values:
                    yield ast.Return(to.tuple_of(values))
            case _:
                assert_never(stmt)

    def assign(self, stmt: Assign) -> ast.stmt:
        """``y += v`` where the user wrote so, or where the name is ours."""
        to = self.syntax
        name = to.names[stmt.target]
        match stmt.value:
            case Binary(op, Var() as a, b) if to.names[a] == name:
                if stmt.inplace or (stmt.target.temp and op in _AUGMENTED):
                    return ast.AugAssign(ast.Name(name, ast.Store()), BINARY[op](), to.expr(b))
            case _:
                pass
        return ast.Assign([to.target(stmt.target)], to.expr(stmt.value))

    def branch(self, stmt: If) -> ast.stmt:
        then, orelse, cond = stmt.then, stmt.orelse, stmt.cond
        if not then and orelse:
            then, orelse, cond = orelse, (), Unary("not", cond)
        other = self.block(orelse) if orelse else []
        return ast.If(self.syntax.expr(cond), self.block(then), other)

    def check(self, loop: For | While) -> list[ast.stmt]:
        """The exit check that ends a loop's body."""
        if loop.exit is None:
            return []
        test = ast.Compare(self.syntax.var(loop.exit), [ast.GtE()], [constant(LEAVE)])
        return [ast.If(test, [ast.Break()], [])]

    def range(self, loop: For) -> ast.expr:
        bounds: tuple[Expr, ...] = (loop.start, loop.stop, loop.step)
        if _is_int(loop.step, 1):
            bounds = (loop.stop,) if _is_int(loop.start, 0) else (loop.start, loop.stop)
        counter = name_of("prange" if loop.order == "parallel" else "range")
        return ast.Call(counter, [self.syntax.expr(bound) for bound in bounds], [])


def _is_int(expr: Expr, value: int) -> bool:
    return isinstance(expr, Const) and type(expr.value) is int and expr.value == value


def _only_pass(body: list[ast.stmt]) -> bool:
    return len(body) == 1 and isinstance(body[0], ast.Pass)


# ---------------------------------------------------------------- ast to text


class _Generator(SourceGenerator):  # astor is untyped
    """astor's printer, which forgets the parentheses in ``if (a,):``."""

    def visit_Tuple(self, node: ast.Tuple) -> None:
        if self.get__pp(node) == Precedence.If:
            node._pp = Precedence.highest  # type: ignore[attr-defined]
        super().visit_Tuple(node)


def _write(node: ast.AST) -> str:
    text: str = astor.to_source(
        node, pretty_string=_string, pretty_source=_wrap, source_generator_class=_Generator
    )
    return text.lstrip("\n")


def _string(text: str, embedded: int, current_line: str, unicode_literals: bool) -> str:
    """A string literal on one line, unless it is a docstring."""
    if current_line.strip() or text.startswith(_MARK):
        return repr(text)
    inside = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if inside.endswith('"'):
        inside = inside[:-1] + '\\"'
    return f'"""{inside}"""'


def _wrap(pieces: list[str]) -> str:
    """Join what astor wrote, wrapping lines over WIDTH; never one that holds a marker."""
    out: list[str] = []
    line: list[str] = []
    for piece in [*pieces, "\n"]:
        if not piece.startswith("\n"):
            line.append(piece)
            continue
        text = "".join(line)
        if len(text) <= WIDTH or text.lstrip().startswith(("'", '"')):
            out.append(text)
        else:
            out.extend(_wrapped(line))
        out.append(piece)
        line = []
    return "".join(out).rstrip("\n") + "\n"


def _wrapped(line: list[str]) -> list[str]:
    """One long line wrapped, if that leaves its meaning as it was: astor's wrapping is not exact
    for slices."""
    made: list[str] = []
    wrap_line(list(line), WIDTH, made)
    try:
        same = _meaning("".join(made)) == _meaning("".join(line))
    except SyntaxError:
        same = False
    return made if same else line


def _meaning(line: str) -> str:
    """The tree of one line, which may be the header of a compound statement."""
    line = line.strip().removeprefix("el")
    return ast.dump(ast.parse(line + " pass" if line.endswith(":") else line))


def _mark(text: str) -> ast.stmt:
    """A statement that stands for a comment."""
    return ast.Expr(ast.Constant(_MARK + text))


def _is_mark(node: ast.stmt) -> bool:
    match node:
        case ast.Expr(ast.Constant(str() as text)):
            return text.startswith(_MARK)
        case _:
            return False


def _mark_text(node: ast.stmt) -> str:
    assert isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return str(node.value.value).removeprefix(_MARK)


# ---------------------------------------------------------------- line map


def _nodes(stmt: ast.stmt) -> Iterator[ast.stmt]:
    yield stmt
    for name in ("body", "orelse"):
        for inner in getattr(stmt, name, ()):
            yield from _nodes(inner)


def _header(stmt: ast.stmt) -> range:
    """The lines of a statement, those of its blocks left out."""
    body: list[ast.stmt] = getattr(stmt, "body", [])
    last = body[0].lineno - 1 if body else (stmt.end_lineno or stmt.lineno)
    return range(stmt.lineno, max(last, stmt.lineno) + 1)
