"""``explain``: the user's source, and beside each line what becomes of its values."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from numba.core import types as nt

from adcompile.adjoint.assemble import Problem
from adcompile.analysis.activity import is_float
from adcompile.emit.names import appearance
from adcompile.emit.source import print_expression
from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_expr, statements, stmt_defs

_WHY = {
    "still there": "kept, set once",
    "stored": "stored, it changes from one iteration to the next",
    "copied": "not stored, its array is copied before the loops",
    "in an array": "not stored, the array still has it",
    "recomputed": "recomputed, cheaper than storing",
    "known from the iteration after": "not stored, known from the iteration after",
}


def explain(func: Any, p: Problem, loops: Mapping[int, str]) -> str:
    """Text with one line per source line: the code, then remarks after a ``#|``.  ``loops``: what
    is to be said of the loops on a line."""
    py_func = getattr(func, "py_func", func)
    try:
        lines, first = inspect.getsourcelines(py_func)
    except OSError:
        return ""
    said = _Remarks(p, range(first, first + len(lines)))
    for stmt in statements(p.fn.body):
        if stmt.loc.file == p.fn.loc.file:
            said.about(stmt)
    for number, remark in loops.items():
        said.say(number, remark)
    width = max(len(line.rstrip()) for line in lines) + 2
    out: list[str] = []
    for number, line in enumerate(lines, first):
        text = line.rstrip()
        remarks = said.lines.get(number, {})
        for k, remark in enumerate(remarks):
            out.append(f"{'' if k else text:<{width}}#| {remark}")
        if not remarks:
            out.append(text)
    return "\n".join(out)


class _Remarks:
    def __init__(self, p: Problem, shown: range) -> None:
        self.p, self.here = p, shown
        self.lines: dict[int, dict[str, None]] = {}
        self.names = {var: var.name for var in appearance(p.fn)}
        for stmt in statements(p.fn.body):
            self.names.update((var, var.name) for var in stmt_defs(stmt))
        self.user: dict[ir.Var, str] = {}  # temporaries that a name of the user's stands for
        for stmt in statements(p.fn.body):
            match stmt:
                case ir.For(carried=carried) | ir.While(carried=carried):
                    self.user.update((c.next, c.head.name) for c in carried if not c.head.temp)
                case ir.If(joins=joins):
                    for j in joins:
                        sides = (v for v in (j.then, j.orelse) if v is not None)
                        self.user.update((v, j.out.name) for v in sides if not j.out.temp)
                case _:
                    pass
        self.names.update(self.user)

    def say(self, line: int, remark: str) -> None:
        self.lines.setdefault(line, {})[remark] = None

    def about(self, stmt: ir.Stmt) -> None:
        p, line = self.p, stmt.loc.line
        if isinstance(stmt, ir.For | ir.While):
            for c in stmt.carried:
                if (reason := p.plan.reasons.get(c.head)) is not None and not c.head.temp:
                    self.say(line, f"{c.head.name} at the start: {_WHY[reason]}")
                made = p.scopes.defined_by.get(c.next)
                if (reason := p.plan.reasons.get(c.next)) is None or made is None:
                    continue
                if made.loc.file != p.fn.loc.file or made.loc.line not in self.here:
                    self.say(line, f"{c.head.name} at the end: {_WHY[reason]}")
            if (trips := p.plan.counted.get(id(stmt))) is not None:
                self.say(line, f"iterations are counted, in {trips.name}")
            return
        if isinstance(stmt, ir.If):
            return  # its branches and its condition speak for it
        for var in stmt_defs(stmt):
            name = self.shown(var, stmt)
            if name is not None:
                self.say(line, f"{name}: {self.fate(var, stmt)}")

    def shown(self, var: ir.Var, stmt: ir.Stmt) -> str | None:
        if not var.temp:
            return var.name
        if var in self.user:
            return self.user[var]
        if var in self.p.plan.reasons and isinstance(stmt, ir.Assign):
            return print_expression(self.whole(stmt.value), self.names)
        return None

    def whole(self, expr: ir.Expr) -> ir.Expr:
        """``expr`` with the temporaries in it written out."""

        def expand(e: ir.Expr) -> ir.Expr:
            if isinstance(e, ir.Var) and e.temp and e not in self.user:
                made = self.p.scopes.defined_by.get(e)
                if isinstance(made, ir.Assign):
                    return self.whole(made.value)
            return e

        return map_expr(expand, expr)

    def fate(self, var: ir.Var, stmt: ir.Stmt) -> str:
        p = self.p
        kind = p.types.get(var)
        if isinstance(kind, nt.Array):
            return "array with a shadow" if var in p.plan.shadows else "array, inactive"
        reason = p.plan.reasons.get(var)
        if reason is not None:
            load = isinstance(stmt, ir.Assign) and isinstance(stmt.value, ir.Load)
            if load and reason == "recomputed":
                return "read again, nothing overwrites it"
            return _WHY[reason]
        if not is_float(kind):
            return f"{kind}, not needed in reverse"
        if var in p.activity:
            return "active, its value is not needed in reverse"
        if var in p.activity.varied:
            return "inactive, the result does not depend on it"
        return "inactive, it does not depend on the arguments differentiated"
