"""``explain``: the user's source, and beside each line what becomes of its values."""

from __future__ import annotations

import inspect
from typing import Any

from numba.core import types as nt

from adcompile.adjoint.assemble import Problem
from adcompile.analysis.activity import is_float
from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements, stmt_defs


def explain(func: Any, p: Problem) -> str:
    """Text with one line per source line: the code, then remarks after a ``#|``."""
    py_func = getattr(func, "py_func", func)
    try:
        lines, first = inspect.getsourcelines(py_func)
    except OSError:
        return ""
    remarks: dict[int, dict[str, None]] = {}
    for stmt in statements(p.fn.body):
        if stmt.loc.file != p.fn.loc.file:
            continue
        for var in stmt_defs(stmt):
            if not var.temp:
                remark = f"{var.name}: {_fate(var, p)}"
                remarks.setdefault(stmt.loc.line, {})[remark] = None
        if (trips := p.plan.counted.get(id(stmt))) is not None:
            remarks.setdefault(stmt.loc.line, {})[f"iterations counted in {trips.name}"] = None
    width = max(len(line.rstrip()) for line in lines) + 2
    out: list[str] = []
    for number, line in enumerate(lines, first):
        said = "; ".join(remarks.get(number, {}))
        text = line.rstrip()
        out.append(f"{text:<{width}}#| {said}" if said else text)
    return "\n".join(out)


def _fate(var: ir.Var, p: Problem) -> str:
    kind = p.types.get(var)
    if isinstance(kind, nt.Array):
        return "array with a shadow" if var in p.plan.shadows else "array, inactive"
    reason = p.plan.reasons.get(var)
    if reason is not None:
        return reason
    if not is_float(kind):
        return f"{kind}, not needed in reverse"
    return "active, value not needed in reverse" if var in p.activity else "inactive"
