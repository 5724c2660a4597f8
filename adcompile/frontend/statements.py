"""Statements, and the structure of exits (see exits.py)."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Sequence
from typing import Literal

from adcompile.errors import Loc
from adcompile.frontend.dict_loops import DictLoops
from adcompile.frontend.exits import (
    Bind,
    Branch,
    Item,
    Leave,
    Scope,
    Test,
    diverges,
    drop_exits,
    endless,
    flow,
)
from adcompile.frontend.functions import is_range
from adcompile.frontend.session import Static
from adcompile.frontend.trying import after, caught, may_raise, refuse_unsupported
from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements as all_statements
from adcompile.ir.walk import stmt_defs

_LEAVING = frozenset((ir.BREAK, ir.RETURN))


class Statements(DictLoops):
    # ------------------------------------------------------------ the function

    def lower_body(self) -> ir.Expr | None:
        """Emit the body; the result as one atom or tuple, None for a function without one."""
        body: list[ast.stmt] = self.source.node.body
        returns = [n for stmt in body for n in ast.walk(stmt) if isinstance(n, ast.Return)]
        gives = [r for r in returns if r.value is not None and not _is_none(r.value)]
        if gives and (len(gives) < len(returns) or flow(body).falls):
            self.flag(self.result)  # who calls may ask whether it is None
        scope = self.function_scope
        outer = self.out
        optional = self.session.flags.get(self.result)
        with self.block() as block:
            self.root_depth = self.depth
            if optional is not None:
                start = ir.Assign(optional, ir.Const(False), loc=self.loc(self.source.node))
                self.out.append(start)
            if len(returns) == 1 and body[-1] is returns[0] and gives:
                self.items(body[:-1])
                assert returns[0].value is not None
                result: ir.Expr | None = self.returned(returns[0].value)
            else:
                self.items(body)
                result = self.result if gives else None
        if scope.guarded:
            first = ir.Assign(scope.exit, ir.Const(ir.STAY), loc=self.loc(self.source.node))
            outer.append(first)
            outer.extend(block)
        else:
            outer.extend(drop_exits(tuple(block), scope.exit, frozenset((ir.RETURN,))))
        if diverges(outer):
            return None
        if result is self.result and not any(
            result in stmt_defs(s) for s in all_statements(tuple(outer))
        ):
            return None  # every path raises
        return result

    def returned(self, node: ast.expr) -> ir.Expr:
        value = self.value(node)
        return value if isinstance(value, ir.MakeTuple) else self.temp(value, node)

    # ------------------------------------------------------------ lists of statements

    def items(self, items: Sequence[Item]) -> None:
        """Lower a list.  A statement may take the rest of it into its own branches."""
        queue = list(items)
        while queue and not diverges(self.out):
            item = queue.pop(0)
            match item:
                case ast.If():
                    cond = self.condition(item.test)
                    queue = self.branch(cond, item.body, item.orelse, queue, self.loc(item))
                case Branch(cond, then, orelse, loc):
                    queue = self.branch(cond, then, orelse, queue, loc)
                case Test(test, done):
                    queue = self.loop_test(test, done, queue)
                case ast.For():
                    queue = [*self.for_loop(item), *queue]
                case ast.While():
                    queue = [*self.while_loop(item), *queue]
                case ast.Try():
                    queue = self.try_(item, queue)
                case ast.Return(value):
                    if value is not None and not _is_none(value):
                        self.assign(self.result, value, item)
                    elif (flag := self.session.flags.get(self.result)) is not None:
                        self.emit(ir.Assign(flag, ir.Const(False), loc=self.loc(item)))
                    queue = [Leave(ir.RETURN, self.loc(item))]
                case ast.Break():
                    queue = [Leave(ir.BREAK, self.loc(item))]
                case ast.Continue():
                    queue = [Leave(ir.CONTINUE, self.loc(item))]
                case Leave(kind, loc):
                    self.emit(ir.Assign(self.scope.exit, ir.Const(kind), loc=loc))
                    queue = []
                case Bind(loop, value):
                    self.bind_item(loop.target, value, loop)
                case _:
                    self.simple(item)

    def branch(
        self,
        cond: ir.Expr,
        then: Sequence[Item],
        orelse: Sequence[Item],
        rest: list[Item],
        loc: Loc,
    ) -> list[Item]:
        """An If; returns what is still to be lowered after it."""
        if isinstance(cond, ir.Const):
            return [*(then if cond.value else orelse), *rest]
        a, b = flow(then), flow(orelse)
        leaves = a.kinds | b.kinds
        if leaves and not a.falls:
            orelse, rest = [*orelse, *rest], []
        elif leaves and not b.falls:
            then, rest = [*then, *rest], []
        elif not a.falls and not b.falls:
            rest = []
        with self.block() as first:
            self.items(then)
        with self.block() as second:
            self.items(orelse)
        if first or second:
            self.emit(ir.If(cond, tuple(first), tuple(second), loc=loc))
        if not leaves or not rest:
            return rest
        self.scope.guarded = True
        with self.block() as guarded:
            self.items(rest)
        stay = ir.Compare("==", self.scope.exit, ir.Const(ir.STAY))
        self.emit(ir.If(stay, tuple(guarded), (), loc=loc))
        return []

    def try_(self, node: ast.Try, rest: list[Item]) -> list[Item]:
        """The body, in which ``raise`` sets a flag; returns what is still to be lowered."""
        refuse_unsupported(self, node)
        loc, leaves = self.loc(node), flow(node.body).kinds
        raised = ir.Var("raised", temp=True)
        self.session.trying += 1
        with self.block() as body:
            self.items(node.body)
        self.session.trying -= 1
        raises = may_raise(body)
        if raises:
            self.emit(ir.Assign(raised, ir.Const(False), loc=loc))
        for stmt in caught(body, raised) if raises else body:
            self.take_over(stmt)
        if not raises and not flow(node.body).falls:
            return []
        rest = [*after(node, raised if raises else None, loc), *rest]
        if not leaves:
            return rest
        self.scope.guarded = True
        with self.block() as guarded:
            self.items(rest)
        stay = ir.Compare("==", self.scope.exit, ir.Const(ir.STAY))
        self.emit(ir.If(stay, tuple(guarded), (), loc=loc))
        return []

    # ------------------------------------------------------------ loops

    def for_loop(self, node: ast.For) -> Sequence[Item]:
        if (repeated := self.unrolled(node)) is not None:
            return repeated
        if (written_out := self.over_dict(node)) is not None:
            return written_out
        node = self.nested(node) or node
        self.forget_functions(node.target, node)
        loc = self.loc(node)
        scope = Scope()
        bounds = self.bounds(node)
        if bounds is None or not isinstance(node.target, ast.Name):
            self.check_unchanged(node)
            source = self.iterated(node.iter)
            bounds, var = (ir.Const(0), source.count, ir.Const(1)), self.counter(node)
            self.session.ranks[var] = 0
            with self.block() as body:
                self.loops += 1
                self.take(node.target, source.item(var), node)
                self.loops -= 1
                self.body(node.body, scope)
        else:
            name = node.target.id
            var = ir.Var("item", temp=True) if name.startswith("<") else ir.Var(name)
            self.session.ranks[var] = 0
            direct = name in self.source.loop_names
            before = self.vars.get(name)
            if direct:
                self.vars[name] = var
            with self.block() as body:
                if not direct:
                    self.emit(ir.Assign(self.var(name), var, loc=loc))
                self.body(node.body, scope)
            if direct and before is not None:
                self.vars[name] = before
        kinds = flow(node.body).kinds & _LEAVING
        exit_, block = self.close(scope, kinds, body, loc)
        self.before(node, kinds, scope, loc)
        called = self.callee_of(node.iter)
        order: Literal["sequential", "any"] = "sequential"
        if is_range(called) and called is not builtins.range:
            order = "any"
        self.emit(ir.For(var, *bounds, block, exit_, loc=loc, order=order))
        return self.after(node, kinds, scope, loc)

    def while_loop(self, node: ast.While) -> list[Item]:
        loc = self.loc(node)
        kinds = flow(node.body).kinds & _LEAVING
        lifted = self.lifts(node.test)
        scope = Scope()
        done: ir.Var | None = None
        items: list[Item] = list(node.body)
        if lifted:
            if node.orelse and ir.BREAK in kinds:
                done = ir.Var("done", temp=True)
                self.emit(ir.Assign(done, ir.Const(False), loc=loc))
            items = [Test(node.test, done), *items]
        with self.block() as body:
            self.body(items, scope)
        leaving = kinds | {ir.BREAK} if lifted else kinds
        exit_, block = self.close(scope, leaving, body, loc)
        self.before(node, kinds, scope, loc)
        with self.block() as once:
            cond = ir.Const(True) if lifted else self.tree_condition(node.test)
        if once:  # it would be computed before the loop alone
            self.refuse(node.test, "a condition that takes statements", "Test it in the loop.")
        self.emit(ir.While(cond, block, exit_, loc=loc))
        return self.after(node, kinds, scope, loc, done)

    def tree_condition(self, node: ast.expr) -> ir.Expr:
        cond = self.condition(node)
        return ir.Const(bool(cond.value)) if isinstance(cond, ir.Const) else cond

    def loop_test(self, test: ast.expr, done: ir.Var | None, rest: list[Item]) -> list[Item]:
        """``if not test: leave; else: rest``, as the start of a loop's body."""
        cond = self.condition(test)
        if isinstance(cond, ir.Const):
            cond = self.temp(ir.Unary("not", ir.Const(not cond.value)), test)
        loc = self.loc(test)
        with self.block() as body:
            self.items(rest)
        with self.block() as leave:
            if done is not None:
                self.emit(ir.Assign(done, ir.Const(True), loc=loc))
            self.emit(ir.Assign(self.scope.exit, ir.Const(ir.BREAK), loc=loc))
        self.emit(ir.If(ir.Unary("not", cond), tuple(leave), tuple(body), loc=loc))
        return []

    def body(self, items: Sequence[Item], scope: Scope) -> None:
        outer, self.scope = self.scope, scope
        self.loops += 1
        self.items(items)
        self.loops -= 1
        self.scope = outer

    def close(
        self, scope: Scope, kinds: frozenset[int], body: list[ir.Stmt], loc: Loc
    ) -> tuple[ir.Var | None, ir.Block]:
        """The loop's exit variable, and its body with that variable kept only as far as needed."""
        block = tuple(body)
        if not scope.guarded:
            block = drop_exits(block, scope.exit, frozenset((ir.CONTINUE,)))
        if kinds or scope.guarded:
            block = (ir.Assign(scope.exit, ir.Const(ir.STAY), loc=loc), *block)
        return (scope.exit if kinds else None), block

    def before(
        self, node: ast.For | ast.While, kinds: frozenset[int], scope: Scope, loc: Loc
    ) -> None:
        """The exit variable is read after the loop, which may run zero times."""
        if ir.RETURN in kinds or (node.orelse and kinds):
            self.emit(ir.Assign(scope.exit, ir.Const(ir.STAY), loc=loc))

    def after(
        self,
        node: ast.For | ast.While,
        kinds: frozenset[int],
        scope: Scope,
        loc: Loc,
        done: ir.Var | None = None,
    ) -> list[Item]:
        """What follows a loop: pass a return on, and run the else clause unless broken."""
        items: list[Item] = []
        if ir.RETURN in kinds:
            leave = Leave(ir.RETURN, loc)
            if endless(node) and ir.BREAK not in kinds:
                return [leave]
            returned = ir.Compare("==", scope.exit, ir.Const(ir.RETURN))
            items.append(Branch(returned, [leave], [], loc))
        if node.orelse:
            if done is not None:
                items.append(Branch(done, node.orelse, [], loc))
            elif ir.BREAK in kinds:
                broken = ir.Compare("==", scope.exit, ir.Const(ir.BREAK))
                items.append(Branch(ir.Unary("not", broken), node.orelse, [], loc))
            else:
                items += node.orelse
        return items

    # ------------------------------------------------------------ simple statements

    def simple(self, node: Item) -> None:
        match node:
            case ast.Assign(targets, value):
                self.assignment(targets, value, node)
            case ast.AnnAssign(target=target, value=value):
                if value is not None:
                    self.assignment([target], value, node)
            case ast.AugAssign():
                self.augmented(node)
            case ast.Assert(test, message):
                self.asserted(test, message, node)
            case ast.Raise():
                self.raise_(node)
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                pass
            case ast.Nonlocal() if self.outer is not None:
                pass
            case ast.Global(names) if not self.source.assigned & set(names):
                pass
            case ast.FunctionDef():
                self.define(node)
            case ast.Delete(targets):
                self.delete(targets, node)
            case ast.Import() | ast.ImportFrom():
                self.import_(node)
            case ast.With(items=[ast.withitem(ast.Call(func=func))]) if _is_objmode(func):
                self.refuse(
                    node,
                    "'with objmode' is not supported",
                    "Write it without Python objects, or give it a rule with custom_vjp.",
                )
            case ast.Expr(value=ast.Call() as call):
                self.effects.add(call)
                self.value(call)
            case ast.Expr(value=ast.Yield() | ast.YieldFrom() | ast.Await() as other):
                self.refuse_node(other)
            case ast.Expr():
                self.refuse(node, "an expression without effect", "Assign it, or leave it out.")
            case ast.stmt():
                self.refuse_node(node)
            case _:
                raise AssertionError(node)

    def delete(self, targets: Sequence[ast.expr], node: ast.Delete) -> None:
        for target in targets:
            if isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Slice):
                args = (self.atom(target.value), self.atom(target.slice))
                self.emit(ir.Call((), "list.pop", args, self.loc(node)))
                continue
            if not isinstance(target, ast.Name):
                self.refuse(node, "'del' of an item is not supported", "Leave it out.")
            self.emit(ir.Unset((self.var(target.id),), self.loc(node)))

    def import_(self, node: ast.Import | ast.ImportFrom) -> None:
        """Modules that are there already: importing is not the function's own business."""
        for alias in node.names:
            whole = alias.name if isinstance(node, ast.Import) else (node.module or "")
            name = alias.asname or alias.name.partition(".")[0]
            found: object = sys.modules.get(whole if alias.asname else whole.partition(".")[0])
            if isinstance(node, ast.ImportFrom):
                found = (
                    getattr(sys.modules.get(whole), alias.name, None) if not node.level else None
                )
            if found is None:
                self.refuse(node, f"the import of {name} here", "Import at the top of the module.")
            self.known[name] = Static(found)


def _is_objmode(func: ast.expr) -> bool:
    return ast.unparse(func).rpartition(".")[2].startswith("objmode")


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
