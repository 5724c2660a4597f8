"""Common subexpressions (ssa): a temporary computed again from the same operands is the same.

Loads are remembered until something may write.  Only temporaries are replaced, so the user's
names stay; what was computed in a branch or loop is forgotten after it.
"""

from __future__ import annotations

from dataclasses import replace

from adcompile.ir import nodes as ir
from adcompile.ir.walk import rename_block, rename_expr, statements, subexpressions

_WRITES = ir.Store | ir.Accumulate | ir.Fill | ir.CopyInto | ir.Do
Known = dict[tuple[ir.Expr, str], ir.Var]


def merge_common(fn: ir.Function, shapes: dict[ir.Var, tuple[ir.Expr, ...]]) -> ir.Function:
    """``fn`` (ssa, resolved) with repeated temporaries merged, in ``shapes`` too."""
    merger = _Merger()
    body = merger.block(fn.body, {})
    for array, dims in shapes.items():
        shapes[array] = tuple(rename_expr(dim, merger.same) for dim in dims)
    return replace(fn, body=rename_block(body, merger.same))


class _Merger:
    def __init__(self) -> None:
        self.same: dict[ir.Var, ir.Var] = {}

    def block(self, block: ir.Block, known: Known) -> ir.Block:
        out: list[ir.Stmt] = []
        for stmt in rename_block(block, self.same):
            match stmt:
                case ir.Assign(target, value) if not isinstance(value, ir.Var | ir.Const):
                    value = self.current(value)
                    if target.temp and _key(value) in known:
                        self.same[target] = known[_key(value)]
                        continue
                    known.setdefault(_key(value), target)
                    stmt = replace(stmt, value=value)
                case ir.If():
                    then = self.block(stmt.then, dict(known))
                    orelse = self.block(stmt.orelse, dict(known))
                    if writes(stmt.then) or writes(stmt.orelse):
                        forget_loads(known)
                    stmt = replace(stmt, then=then, orelse=orelse)
                case ir.For() | ir.While():
                    if writes(stmt.body):
                        forget_loads(known)
                    stmt = replace(stmt, body=self.block(stmt.body, dict(known)))
                case _ if isinstance(stmt, _WRITES):
                    forget_loads(known)
                case _:
                    pass
            out.append(stmt)
        return tuple(out)

    def current(self, expr: ir.Expr) -> ir.Expr:
        return rename_expr(expr, self.same)


def writes(block: ir.Block) -> bool:
    return any(isinstance(s, _WRITES) for s in statements(block))


def forget_loads(known: Known) -> None:
    for key in [k for k in known if any(isinstance(x, ir.Load) for x in subexpressions(k[0]))]:
        del known[key]


def _key(expr: ir.Expr) -> tuple[ir.Expr, str]:
    """Equal for what computes the same: 2, 2.0 and 2 + 0j are equal to Python, 0.0 and -0.0 too."""
    literals = [e.value for e in subexpressions(expr) if isinstance(e, ir.Const)]
    return expr, repr(literals)
