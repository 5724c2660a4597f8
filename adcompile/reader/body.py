"""Statements.  ``break``, ``continue`` and ``return`` become assignments to exit variables, and
what follows them moves into the branch in which it runs."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

from adcompile.ir import nodes as ir
from adcompile.reader.exits import Flow, has_break, has_continue, has_return
from adcompile.reader.loops import range_bounds
from adcompile.reader.scope import Scope
from adcompile.reader.values import Inline, Values, binary_operator

_DONE = 4  # the test of a while loop failed, in a loop whose test needs statements
_ADVICE = {
    ast.Try: "Test the condition with if instead.",
    ast.With: "Move it out of the differentiated function.",
    ast.FunctionDef: "Define the function at module level.",
    ast.Delete: "Leave the variable alone.",
    ast.Global: "Pass the value as an argument.",
    ast.Nonlocal: "Pass the value as an argument.",
}


class Body:
    """Reads statements into ``scope.out``."""

    def __init__(self, scope: Scope, inline: Inline) -> None:
        self.scope, self.values = scope, Values(scope, inline)

    # ------------------------------------------------------------ blocks

    def block(self, stmts: list[ast.stmt]) -> Flow:
        """Read ``stmts``; how does control come out?"""
        for k, stmt in enumerate(stmts):
            rest = stmts[k + 1 :]
            match stmt:
                case ast.If():
                    flow = self.branch(stmt, rest)
                    if flow is not None:
                        return flow
                case ast.For() | ast.While():
                    flow = self.loop(stmt, rest)
                    if flow is not None:
                        return flow
                case ast.Return() | ast.Break() | ast.Continue():
                    self.leave(stmt)
                    return Flow.LEAVES
                case ast.Raise():
                    self.fail(stmt)
                    return Flow.FAILS
                case _:
                    self.simple(stmt)
        return Flow.FALLS

    def nested(self, stmts: list[ast.stmt]) -> tuple[list[ir.Stmt], Flow]:
        saved, self.scope.out = self.scope.out, []
        flow = self.block(stmts)
        made, self.scope.out = self.scope.out, saved
        return made, flow

    def more(self, made: list[ir.Stmt], stmts: list[ast.stmt]) -> Flow:
        """Read ``stmts`` to the end of the block ``made``."""
        extra, flow = self.nested(stmts)
        made.extend(extra)
        return flow

    def branch(self, stmt: ast.If, rest: list[ast.stmt]) -> Flow | None:
        """None: control goes on after the ``if``."""
        cond = self.values.whole(stmt.test)
        loc = self.scope.source.loc(stmt)
        then, flow_then = self.nested(stmt.body)
        orelse, flow_else = self.nested(stmt.orelse)
        return self.choose(cond, then, flow_then, orelse, flow_else, rest, loc)

    def choose(
        self,
        cond: ir.Expr,
        then: list[ir.Stmt],
        flow_then: Flow,
        orelse: list[ir.Stmt],
        flow_else: Flow,
        rest: list[ast.stmt],
        loc: Any,
    ) -> Flow | None:
        def emit() -> None:
            self.scope.emit(ir.If(cond, tuple(then), tuple(orelse), loc=loc))

        flows = {flow_then, flow_else}
        if flows == {Flow.FAILS}:
            emit()
            return Flow.FAILS
        flows.discard(Flow.FAILS)
        if flows == {Flow.FALLS}:
            emit()
            return None
        if flows == {Flow.LEAVES}:
            emit()
            return Flow.LEAVES
        if flows == {Flow.FALLS, Flow.LEAVES}:
            into = orelse if flow_then is Flow.LEAVES else then
            flow = self.more(into, rest)
            emit()
            return Flow.LEAVES if flow in (Flow.LEAVES, Flow.FAILS) else Flow.MAYBE
        emit()
        return self.guarded(rest, loc)

    def guarded(self, rest: list[ast.stmt], loc: Any) -> Flow:
        """``rest`` runs if nothing left before."""
        made, flow = self.nested(rest)
        if made:
            here = ir.Compare("==", self.scope.exits[-1], ir.Const(ir.STAY))
            self.scope.emit(ir.If(here, tuple(made), (), loc=loc))
        return Flow.LEAVES if flow in (Flow.LEAVES, Flow.FAILS) else Flow.MAYBE

    def leave(self, stmt: ast.Return | ast.Break | ast.Continue) -> None:
        scope = self.scope
        loc = scope.source.loc(stmt)
        kind = ir.BREAK if isinstance(stmt, ast.Break) else ir.CONTINUE
        if isinstance(stmt, ast.Return):
            kind = ir.RETURN
            self.set_result(stmt)
        scope.emit(ir.Assign(scope.exits[-1], ir.Const(kind), loc=loc))

    def set_result(self, stmt: ast.Return) -> None:
        scope = self.scope
        gives = stmt.value is not None and not (
            isinstance(stmt.value, ast.Constant) and stmt.value.value is None
        )
        if scope.returns_value is not None and scope.returns_value is not gives:
            scope.refuse(stmt, "some paths return a value and others none")
        scope.returns_value = gives
        if gives:
            assert stmt.value is not None
            value = self.values.value(stmt.value)
            if isinstance(value, ir.MakeTuple):
                items = tuple(self.flat(item, stmt) for item in value.items)
                value = ir.MakeTuple(items)
            scope.emit(ir.Assign(scope.result, value, loc=scope.source.loc(stmt)))

    def flat(self, item: ir.Expr, node: ast.AST) -> ir.Expr:
        return item if isinstance(item, ir.Var | ir.Const) else self.scope.temp(item, node)

    # ------------------------------------------------------------ loops

    def loop(self, stmt: ast.For | ast.While, rest: list[ast.stmt]) -> Flow | None:
        scope = self.scope
        loc = scope.source.loc(stmt)
        breaks, returns = has_break(stmt.body), has_return(stmt.body)
        lifts = isinstance(stmt, ast.While) and self.values.needs_statements(stmt.test)
        leaves = breaks or returns or lifts
        exit_var = ir.Var("exit")
        uses_exit = leaves or has_continue(stmt.body)
        header: Any = None
        if isinstance(stmt, ast.For):
            header = range_bounds(stmt, self.values, scope)
        if leaves:
            scope.emit(ir.Assign(exit_var, ir.Const(ir.STAY), loc=loc))
        scope.exits.append(exit_var)
        saved, scope.out = scope.out, []
        if uses_exit:
            scope.emit(ir.Assign(exit_var, ir.Const(ir.STAY), loc=loc))
        cond: ir.Expr = ir.Const(True)
        if isinstance(stmt, ast.For):
            var = ir.Var(stmt.target.id if isinstance(stmt.target, ast.Name) else "i")
            assert isinstance(stmt.target, ast.Name)
            scope.emit(ir.Assign(scope.var(stmt.target.id), var, loc=loc))
            self.block(stmt.body)
        elif lifts:
            test = self.values.whole(stmt.test)
            done = (ir.Assign(exit_var, ir.Const(_DONE), loc=loc),)
            inner, _ = self.nested(stmt.body)
            scope.emit(ir.If(test, tuple(inner), done, loc=loc))
        else:
            cond = self.values.whole(stmt.test)
            self.block(stmt.body)
        body, scope.out = tuple(scope.out), saved
        scope.exits.pop()
        end = exit_var if leaves else None
        if isinstance(stmt, ast.For):
            start, stop, step = header
            scope.emit(ir.For(var, start, stop, step, body, end, loc=loc))
        else:
            scope.emit(ir.While(cond, body, end, loc=loc))
        return self.after_loop(stmt, rest, exit_var, breaks, returns)

    def after_loop(
        self,
        stmt: ast.For | ast.While,
        rest: list[ast.stmt],
        exit_var: ir.Var,
        breaks: bool,
        returns: bool,
    ) -> Flow | None:
        """``else`` and what follows; a return inside goes on outwards."""
        scope = self.scope
        loc = scope.source.loc(stmt)
        if not returns:
            if not stmt.orelse:
                return None
            if not breaks:
                flow = self.block([*stmt.orelse, *rest])
                return flow
            broken = ir.Compare("==", exit_var, ir.Const(ir.BREAK))
            made, flow = self.nested(stmt.orelse)
            return self.choose(broken, [], Flow.FALLS, made, flow, rest, loc)
        returned = ir.Compare("==", exit_var, ir.Const(ir.RETURN))
        outwards: list[ir.Stmt] = [ir.Assign(scope.exits[-1], ir.Const(ir.RETURN), loc=loc)]
        if not stmt.orelse:
            return self.choose(returned, outwards, Flow.LEAVES, [], Flow.FALLS, rest, loc)
        saved, scope.out = scope.out, []
        if breaks:
            broken = ir.Compare("==", exit_var, ir.Const(ir.BREAK))
            made, flow = self.nested(stmt.orelse)
            after = self.choose(broken, [], Flow.FALLS, made, flow, rest, loc)
            if after is None:
                after = self.block(rest)
        else:
            after = self.block([*stmt.orelse, *rest])
        inner, scope.out = scope.out, saved
        scope.emit(ir.If(returned, tuple(outwards), tuple(inner), loc=loc))
        return Flow.LEAVES if after in (Flow.LEAVES, Flow.FAILS) else Flow.MAYBE

    # ------------------------------------------------------------ simple statements

    def simple(self, stmt: ast.stmt) -> None:
        scope = self.scope
        match stmt:
            case ast.Assign(targets, value):
                self.assign(targets, value, stmt)
            case ast.AnnAssign(target, _, value) if value is not None:
                self.assign([target], value, stmt)
            case ast.AnnAssign():
                pass
            case ast.AugAssign():
                self.augment(stmt)
            case ast.Assert(test, msg):
                args = () if msg is None else (self.values.whole(msg),)
                cond = self.values.whole(test)
                loc = scope.source.loc(stmt)
                fail = (ir.Raise("AssertionError", args, loc),)
                scope.emit(ir.If(ir.Unary("not", cond), fail, (), loc=loc))
            case ast.Pass() | ast.Expr(ast.Constant()):
                pass
            case ast.Expr(ast.Call() as call):
                self.values.value(call)
            case _:
                kind = type(stmt).__name__.lower()
                scope.refuse(stmt, f"{kind} is not supported", _ADVICE.get(type(stmt), ""))

    def fail(self, stmt: ast.Raise) -> None:
        scope = self.scope
        node = stmt.exc
        args: tuple[ir.Expr, ...] = ()
        if isinstance(node, ast.Call):
            args = tuple(self.values.whole(a) for a in node.args)
            node = node.func
        if node is None:
            scope.refuse(stmt, "raise without an exception", "Name the exception.")
        cls = self.values.resolve(node)
        if not (isinstance(cls, type) and issubclass(cls, BaseException)):
            scope.refuse(stmt, "this raise", "Raise an exception class, with literal arguments.")
        if not all(isinstance(a, ir.Const) for a in args):
            args = ()  # Numba wants constants; the type and the place tell enough
        scope.program.exceptions[cls.__name__] = cls
        scope.emit(ir.Raise(cls.__name__, args, scope.source.loc(stmt)))

    def assign(self, targets: list[ast.expr], value: ast.expr, stmt: ast.stmt) -> None:
        scope = self.scope
        loc = scope.source.loc(stmt)
        if len(targets) == 1 and isinstance(targets[0], ast.Name):
            found = self.named(value)
            target = scope.var(targets[0].id)
            last = scope.out[-1] if scope.out else None
            if isinstance(last, ir.Alloc | ir.Copy) and last.target is found:
                scope.out[-1] = replace(last, target=target)  # the array has the user's name
            else:
                scope.emit(ir.Assign(target, found, loc=loc))
            return
        if isinstance(value, ast.Tuple) and len(targets) == 1:
            whole = targets[0]
            if isinstance(whole, ast.Tuple | ast.List) and len(whole.elts) == len(value.elts):
                items = [self.values.atom(e) for e in value.elts]
                self.unpack_items(whole.elts, items, stmt)
                return
        found = self.values.atom(value)
        for place in targets:
            self.store(place, found, stmt)

    def named(self, value: ast.expr) -> ir.Expr:
        """The value of an assignment.  Tuples hold atoms."""
        found = self.values.value(value)
        if isinstance(found, ir.MakeTuple):
            return ir.MakeTuple(tuple(self.flat(item, value) for item in found.items))
        return found

    def unpack_items(self, targets: list[ast.expr], items: list[ir.Expr], stmt: ast.stmt) -> None:
        scope = self.scope
        loc = scope.source.loc(stmt)
        names = [t for t in targets if isinstance(t, ast.Name)]
        if len(names) == len(targets):
            pairs = tuple(scope.var(t.id) for t in names)
            scope.emit(ir.AssignMany(pairs, tuple(items), loc))
            return
        kept = [ir.Var("t", temp=True) for _ in items]
        scope.emit(ir.AssignMany(tuple(kept), tuple(items), loc))
        for place, var in zip(targets, kept, strict=True):
            self.store(place, var, stmt)

    def store(self, target: ast.expr, value: ir.Expr, stmt: ast.stmt) -> None:
        scope = self.scope
        loc = scope.source.loc(stmt)
        match target:
            case ast.Name(name):
                scope.emit(ir.Assign(scope.var(name), value, loc=loc))
            case ast.Subscript(base, index):
                array = self.values.array(base)
                scope.emit(ir.Store(array, self.values.index(index), value, loc))
            case ast.Tuple(elts) | ast.List(elts):
                if isinstance(value, ir.MakeTuple):
                    self.unpack_items(elts, list(value.items), stmt)
                    return
                whole = value if isinstance(value, ir.Var) else scope.temp(value, stmt)
                items: list[ir.Expr] = [
                    scope.temp(ir.Subscript(whole, (ir.Const(k),)), stmt) for k in range(len(elts))
                ]
                self.unpack_items(elts, items, stmt)
            case _:
                scope.refuse(target, "this assignment target", "Assign to names and elements.")

    def augment(self, stmt: ast.AugAssign) -> None:
        scope = self.scope
        loc = scope.source.loc(stmt)
        op = binary_operator(stmt.op, scope, stmt)
        match stmt.target:
            case ast.Name(name):
                var = scope.var(name)
                total = ir.Binary(op, var, self.values.atom(stmt.value))
                scope.emit(ir.Assign(var, total, inplace=True, loc=loc))
            case ast.Subscript(base, index):
                array = self.values.array(base)
                places = tuple(self.settle(i, stmt) for i in self.values.index(index))
                if op in ("+", "-"):
                    value = self.values.atom(stmt.value)
                    scope.emit(ir.Accumulate(array, places, value, op, loc))
                    return
                old = scope.temp(ir.Subscript(array, places), stmt)
                new = scope.temp(ir.Binary(op, old, self.values.atom(stmt.value)), stmt)
                scope.emit(ir.Store(array, places, new, loc))
            case _:
                scope.refuse(stmt, "this assignment target", "Assign to names and elements.")

    def settle(self, index: ir.Index, node: ast.AST) -> ir.Index:
        """A subscript that stays what it is while the right-hand side is evaluated."""
        if isinstance(index, ir.Slice | ir.Var | ir.Const):
            return index
        if isinstance(index, ir.Binary) and isinstance(index.a, ir.Var | ir.Const):
            if isinstance(index.b, ir.Var | ir.Const):
                return index
        return self.scope.temp(index, node)
