"""The reverse sweep, statement by statement.

Adjoints of scalars are *symbolically zero* until something contributes: ``self.adj`` holds those
that are not.  The first contribution defines the variable, later ones add to it.  Arrays have
shadows, which are real from the start.

At the top of the reverse of each block its *prologue* brings back, in forward order, what the
plan stored or recomputes, so that the statements below find every value under its own name.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import assert_never

from numba.core import types as nt

from adcompile.adjoint.customs import reverse_custom
from adcompile.adjoint.loops import reverse_header
from adcompile.adjoint.prologue import Prologue
from adcompile.adjoint.shadows import Out
from adcompile.analysis.activity import Activity, fill_value, is_complex
from adcompile.analysis.alias import Roots
from adcompile.analysis.independence import any_order
from adcompile.analysis.scope import Loop, Scopes
from adcompile.errors import Loc
from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements, stmt_defs
from adcompile.normalise.places import Arenas
from adcompile.normalise.references import Selections
from adcompile.rules.library import NAMES, Operand, operands_of
from adcompile.rules.simplify import add, neg, real_part
from adcompile.storage.needs import Needs
from adcompile.storage.plan import Plan
from adcompile.storage.stack import Stack
from adcompile.storage.tapes import LoopTape

_ZERO = ir.Const(0.0)


class ReverseBuilder(Prologue):
    """Builds the reverse sweep (plain dialect) of a function in ssa."""

    def __init__(
        self,
        types: dict[ir.Var, nt.Type],
        activity: Activity,
        scopes: Scopes,
        needs: Needs,
        plan: Plan,
        tapes: dict[int, LoopTape],
        shapes: dict[ir.Var, tuple[ir.Expr, ...]],
        selections: Selections,
        arenas: Arenas,
        given_shadows: dict[ir.Var, ir.Var],
        roots: Roots,
        optimise: bool,
        stack: Stack | None = None,
    ) -> None:
        super().__init__(types, scopes, plan, tapes, shapes, selections, arenas, given_shadows)
        self.activity, self.needs = activity, needs
        self.roots, self.optimise, self.stack = roots, optimise, stack
        self.adj: dict[ir.Var, ir.Var] = {}
        self.adj_vars: dict[ir.Var, ir.Var] = {}
        self.followers: dict[ir.Var, ir.Var] = {}

    # ------------------------------------------------------------ adjoints

    def adj_var(self, var: ir.Var) -> ir.Var:
        if var not in self.adj_vars:
            self.adj_vars[var] = ir.Var(f"{var.name}_adj", var.temp)
        return self.adj_vars[var]

    def add(self, var: ir.Var, value: ir.Expr, out: Out, source: ir.Var | None = None) -> None:
        """``var_adj += value``, the adjoint of ``source``, which may be complex where ``var`` is
        real."""
        if var not in self.activity:
            return
        if source is not None and is_complex(self.types.get(source)):
            value = value if is_complex(self.types.get(var)) else real_part(value)
        target = self.adj_var(var)
        if var in self.adj:
            out.append(ir.Assign(target, add(target, value), inplace=True))
        else:
            self.adj[var] = target
            out.append(ir.Assign(target, value))

    # ------------------------------------------------------------ blocks

    def block(self, block: ir.Block, loop: Loop | None, out: Out) -> None:
        """The reverse of ``block``, which belongs to ``loop``."""
        if id(block) not in self.brought_back:
            self.prologue(block, loop, out)
        last: Loc | None = None if loop is None else loop.loc
        for stmt in reversed(block):
            if id(stmt) not in self.needs.reversed:
                continue
            piece: Out = []
            self.stmt(stmt, loop, piece)
            if piece:
                if stmt.loc.line and (last is None or last.line != stmt.loc.line):
                    text = linecache.getline(stmt.loc.file, stmt.loc.line).strip()
                    out.append(ir.Comment(f"{stmt.loc.line}: {text}", stmt.loc))
                last = stmt.loc
                out.extend(piece)

    # ------------------------------------------------------------ statements

    def stmt(self, stmt: ir.Stmt, loop: Loop | None, out: Out) -> None:
        match stmt:
            case ir.Assign():
                self.assign(stmt, out)
            case ir.Store(array, index, value):
                place = self.place(array, index)
                if isinstance(value, ir.Var) and value in self.activity:
                    self.add(value, place, out, array)
                out.append(ir.Store(place.array, place.index, _ZERO, stmt.loc))
            case ir.Accumulate(array, index, value, op):
                place = self.place(array, index)
                if isinstance(value, ir.Var):
                    self.add(value, place if op == "+" else neg(place), out, array)
            case ir.Fill(array, index, value):
                part = ir.Var(f"{array.name}_part_adj")
                out.append(ir.View(part, self.shadow_of(array), index, stmt.loc))
                if isinstance(value, ir.Var) and value in self.activity:
                    self.add(value, ir.Apply("np.sum", (part,)), out, array)
                out.append(ir.Do("rt.set_zero", (part,), stmt.loc))
            case ir.CopyInto(array, index, source):
                part = ir.Var(f"{array.name}_part_adj")
                out.append(ir.View(part, self.shadow_of(array), index, stmt.loc))
                if source in self.activity:
                    out.append(self.moved(source, array, part, stmt.loc))
                else:
                    out.append(ir.Do("rt.set_zero", (part,), stmt.loc))
            case ir.Copy(target, source):
                pair = (self.shadow_of(source), self.shadow_of(target))
                out.append(ir.Do("rt.move_adjoint", pair, stmt.loc))
            case ir.Alloc(target, fn, args) if fn in NAMES:
                self.library_call(stmt, out)
            case ir.Alloc(target, _, args, keywords):
                value = fill_value(args, keywords)
                if isinstance(value, ir.Var):
                    self.add(value, ir.Apply("np.sum", (self.shadow_of(target),)), out, target)
            case ir.Custom():
                reverse_custom(self, stmt, out)
            case ir.If():
                self.branch(stmt, loop, out)
            case ir.For() | ir.While():
                self.loop(stmt, out)
            case ir.View() | ir.Call() | ir.Return() | ir.Raise() | ir.Comment():
                pass
            case ir.AssignMany() | ir.Do() | ir.Break() | ir.Unset():
                raise AssertionError(f"not in ssa: {stmt}")
            case _:
                assert_never(stmt)

    def library_call(self, stmt: ir.Alloc, out: Out) -> None:
        then = {} if self.stack is None else self.stack.pop(stmt, out)
        made_adj = self.shadow_of(stmt.target)

        def needed(operand: Operand) -> Iterator[ir.Expr]:
            for n in operand.needed:
                read = stmt.target if n < 0 else stmt.args[n]
                yield then.get(read, read) if isinstance(read, ir.Var) else read

        groups: dict[str, list[tuple[Operand, ir.Expr]]] = {}
        for k, pair in enumerate(zip(operands_of(stmt.fn, stmt.args, self.types), stmt.args)):
            groups.setdefault(pair[0].all_at_once or str(k), []).append(pair)
        for name, group in groups.items():
            active = [arg for _, arg in group if isinstance(arg, ir.Var) and arg in self.activity]
            if len(active) == len(group) > 1:
                read = [value for operand, _ in group for value in needed(operand)]
                shadows = [self.shadow_of(arg) for arg in active]
                out.append(ir.Do(name, (made_adj, *read, *shadows), stmt.loc))
                continue
            for operand, arg in group:
                if arg in active and isinstance(arg, ir.Var):
                    given = (self.shadow_of(arg), made_adj, *needed(operand))
                    out.append(ir.Do(operand.adjoint, given, stmt.loc))

    def place(self, array: ir.Var, index: tuple[ir.Index, ...]) -> ir.Load:
        places = tuple(i for i in index if not isinstance(i, ir.Slice))
        return ir.Load(self.shadow_of(array), places)

    def assign(self, stmt: ir.Assign, out: Out) -> None:
        incoming = self.adj.pop(stmt.target, None)
        if incoming is None:
            return
        found = self.needs.contributions[id(stmt)]
        shared: ir.Var | None = None
        match stmt.value:
            case ir.Binary("/", _, divisor) if len(found) == 2:
                # a / b: b receives -y times what a does, so that one division serves both.
                shared = ir.Var("t_adj", temp=True)
                quotient: ir.Expr = ir.Binary("/", incoming, divisor)
                if found[0].doubly:
                    nothing = ir.Compare("==", incoming, ir.Const(0.0))
                    quotient = ir.Select(nothing, ir.Const(0.0), quotient)
                out.append(ir.Assign(shared, quotient))
                found = (replace(found[1], factor=neg(stmt.target)), replace(found[0], factor=None))
            case _:
                pass
        for c in found:
            value = c.adjoint(incoming if shared is None else shared)
            if isinstance(c.operand, ir.Load):
                place = self.place(c.operand.array, c.operand.index)
                op = "+"
                if isinstance(value, ir.Unary) and value.op == "-":
                    op, value = "-", value.x
                out.append(ir.Accumulate(place.array, place.index, value, op, stmt.loc))
            else:
                self.add(c.operand, value, out)

    def branch(self, stmt: ir.If, loop: Loop | None, out: Out) -> None:
        incoming = [(j, self.adj.pop(j.out, None)) for j in stmt.joins]
        before = dict(self.adj)
        inner = {v for s in statements((*stmt.then, *stmt.orelse)) for v in stmt_defs(s)}
        sides: list[Out] = []
        after: list[dict[ir.Var, ir.Var]] = []
        for block, which in ((stmt.then, 0), (stmt.orelse, 1)):
            self.adj = dict(before)
            side: Out = []
            for join, value in incoming:
                var = (join.then, join.orelse)[which]
                if value is not None and var is not None:
                    self.add(var, value, side, join.out)
            self.block(block, loop, side)
            sides.append(side)
            after.append({v: a for v, a in self.adj.items() if v not in inner})
        merged = {**after[0], **after[1]}
        for side, known in zip(sides, after, strict=True):
            for var, target in merged.items():
                if var not in known:
                    side.append(ir.Assign(target, self.zero(var)))
        self.adj = merged
        if any(not isinstance(s, ir.Comment) for side in sides for s in side):
            out.append(ir.If(stmt.cond, tuple(sides[0]), tuple(sides[1]), loc=stmt.loc))

    # ------------------------------------------------------------ loops

    def loop(self, stmt: ir.For | ir.While, out: Out) -> None:
        """The adjoint of what is carried goes the other way: from ``out`` through ``next`` and
        ``head`` of each iteration, last to first, to ``init``."""
        for copy in self.plan.snapshots:
            if copy.nest is stmt and copy.cursor is not None:
                before = ir.Binary("-", copy.cursor, ir.Const(1))
                out.append(ir.Assign(copy.cursor, before, inplace=True))
        carried = [c for c in stmt.carried if self.is_active_scalar(c)]
        handed = {c: ir.Var(f"{c.head.name}_adj", c.head.temp) for c in carried}
        incoming = {c: self.adj.pop(c.out, None) for c in carried}
        outer = dict(self.adj)
        inner = {v for s in statements(stmt.body) for v in stmt_defs(s)}
        inner |= {c.head for c in stmt.carried}

        # A trial run tells to which outside variables the iterations contribute.
        names = dict(self.adj_vars)
        done = set(self.brought_back)
        self.adj = {}
        self.iteration(stmt, carried, handed, [])
        touched = [v for v in self.adj if v not in inner]
        self.adj_vars, self.brought_back = {**self.adj_vars, **names}, done

        for c in carried:
            value = incoming[c]
            out.append(ir.Assign(handed[c], self.zero(c.head) if value is None else value))
        self.adj = outer
        for var in touched:
            if var not in self.adj:
                self.adj[var] = self.adj_var(var)
                out.append(ir.Assign(self.adj[var], self.zero(var)))
        for c, following in self.handed_back(stmt):
            out.append(ir.Assign(following, c.out))
        after = dict(self.adj)
        body: Out = []
        self.adj = {v: self.adj[v] for v in touched}
        self.iteration(stmt, carried, handed, body)
        if isinstance(stmt, ir.For) and self.any_order(stmt):
            out.append(replace(stmt, body=tuple(body), carried=()))
        else:
            out.append(reverse_header(stmt, self.plan.counted.get(id(stmt)), tuple(body)))
        self.adj = after
        for c in carried:
            if c.init is not None:
                self.add(c.init, handed[c], out, c.head)

    def joint_iteration(self, stmt: ir.For, body: Out, run: Callable[[Out], None]) -> Out:
        """One iteration, forward and at once in reverse, which ``run`` appends; what must stand
        before the loop is returned.  The carried values are sums, so the adjoint of each stays."""
        sums = [(c, self.adj.pop(c.out, None)) for c in stmt.carried]
        outer = dict(self.adj)
        inner = {v for s in statements(stmt.body) for v in stmt_defs(s)}
        inner |= {c.head for c in stmt.carried}
        begin = {c.next: value for c, value in sums if value is not None}
        names = dict(self.adj_vars)
        done = set(self.brought_back)
        self.adj = dict(begin)
        run([])
        touched = [v for v in self.adj if v not in inner and v not in begin]
        self.adj_vars = {**self.adj_vars, **names}
        start: Out = []
        self.adj = outer
        for var in touched:
            if var not in self.adj:
                self.adj[var] = self.adj_var(var)
                start.append(ir.Assign(self.adj[var], self.zero(var)))
        after = dict(self.adj)
        self.adj = {**{v: after[v] for v in touched}, **begin}
        self.brought_back = done
        run(body)
        self.adj = after
        for c, value in sums:
            if c.init is not None and value is not None:
                self.add(c.init, value, start, c.out)
        return start

    def iteration(
        self,
        stmt: ir.For | ir.While,
        carried: list[ir.Carried],
        handed: dict[ir.Carried, ir.Var],
        body: Out,
    ) -> None:
        tape = self.tapes.get(id(stmt))
        if tape is not None and tape.rows is None:
            assert isinstance(tape.row, ir.Var)
            before = ir.Binary("-", tape.row, ir.Const(1))
            body.append(ir.Assign(tape.row, before, inplace=True))
        back = self.handed_back(stmt)
        for c, following in back:
            body.append(ir.Assign(c.next, following))
        for c in stmt.carried:
            self.load_from_tape(c.head, stmt, body)
        for c, following in back:
            body.append(ir.Assign(following, c.head))
        for c in stmt.carried:
            if c.head in self.plan.shadows:
                body.append(self.select_shadow(c.head))
        for c in carried:
            self.add(c.next, handed[c], body, c.head)
        self.block(stmt.body, stmt, body)
        for c in carried:
            body.append(ir.Assign(handed[c], self.adj.pop(c.head, self.zero(c.head))))

    def any_order(self, stmt: ir.For) -> bool:
        """Then the reverse loop runs upwards as the loop itself does, which is quicker."""
        inside = [self.tapes[id(s)] for s in statements((stmt,)) if id(s) in self.tapes]
        if any(tape.rows is None for tape in inside) or self.handed_back(stmt):
            return False
        counted = [copy.nest for copy in self.plan.snapshots if copy.cursor is not None]
        if any(s is nest and s is not stmt for s in statements((stmt,)) for nest in counted):
            return False
        if self.stack is not None and self.stack.is_used_in(stmt):
            return False
        return self.optimise and any_order(stmt, self.roots, self.activity, self.scopes)

    def handed_back(self, stmt: ir.For | ir.While) -> list[tuple[ir.Carried, ir.Var]]:
        """Values known from the iteration after, with the variable that hands them back."""
        found: list[tuple[ir.Carried, ir.Var]] = []
        for c in stmt.carried:
            if self.plan.handed_back.get(c.next) is c:
                if c.next not in self.followers:
                    self.followers[c.next] = ir.Var(c.head.name, c.head.temp)
                found.append((c, self.followers[c.next]))
        return found

    def is_active_scalar(self, c: ir.Carried) -> bool:
        if isinstance(self.types.get(c.head), nt.Array):
            return False
        return c.head in self.activity or c.out in self.activity
