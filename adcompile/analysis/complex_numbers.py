"""What complex numbers have no meaning for, or no derivative rule, is refused where it stands.

Whether a value is active or not: a function declared to have no derivative, ``np.sign`` say, may
have one here, and would end the flow of derivatives in silence.
"""

from __future__ import annotations

from adcompile.analysis.activity import Types, is_complex
from adcompile.errors import Loc, UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements, stmt_exprs, subexpressions
from adcompile.rules.registry import rule_for

# Functions of complex numbers whose results are not complex.
_REAL = ("abs", "np.abs", "np.absolute", "np.real", "np.imag", "np.angle", "cmath.phase", "rt.abs2")
_ADVICE = {
    "np.sign": "Write z / abs(z).",
    "np.float64": "Write z.real.",
    "np.float32": "Write np.float32(z.real).",
    "np.hypot": "Write np.sqrt(a * a + b * b).",
}


def check_complex(fn: ir.Function, types: Types) -> None:
    """Refuse what ``fn`` (ssa, without whole arrays) does to complex numbers and cannot be."""
    for stmt in statements(fn.body):
        for top in stmt_exprs(stmt):
            for expr in subexpressions(top):
                _check(expr, types, stmt.loc)
        if isinstance(stmt, ir.CopyInto):
            if is_complex(types.get(stmt.source)) and not is_complex(types.get(stmt.array)):
                _refuse_storing(stmt.loc)
        if isinstance(stmt, ir.Store | ir.Accumulate | ir.Fill):
            if is_complex_value(stmt.value, types) and not is_complex(types.get(stmt.array)):
                _refuse_storing(stmt.loc)


def _refuse_storing(loc: Loc) -> None:
    raise UnsupportedError(
        "a complex number is stored in an array of real ones", loc, "Store z.real, or z.imag."
    )


def _check(expr: ir.Expr, types: Types, loc: Loc) -> None:
    match expr:
        case ir.Apply(name, args):
            pass
        case ir.Unary(op, x):
            name, args = {"-": "neg", "+": "pos"}.get(op, op), (x,)
        case ir.Binary(name, a, b):
            args = (a, b)
        case ir.Compare(op, a, b) if op not in ("==", "!="):
            name, args = op, (a, b)
        case _:
            return
    if not any(is_complex_value(arg, types) for arg in args):
        return
    rule = rule_for(name)
    if rule is None or rule.on_complex is None:
        shown = name.replace("rt.", "scipy.special.")
        raise UnsupportedError(f"{shown} of complex numbers", loc, _ADVICE.get(name, ""))


def is_complex_value(expr: ir.Expr, types: Types) -> bool:
    """Whether an expression of numbers is complex."""
    match expr:
        case ir.Const(value):
            return isinstance(value, complex)
        case ir.Var():
            return is_complex(types.get(expr))
        case ir.Load(array):
            return is_complex(types.get(array))
        case ir.Unary("-" | "+", x):
            return is_complex_value(x, types)
        case ir.Binary(_, a, b) | ir.Select(_, a, b):
            return is_complex_value(a, types) or is_complex_value(b, types)
        case ir.Apply(fn, args):
            rule = rule_for(fn)
            if fn in _REAL or (rule is not None and rule.nondiff and rule.name != "stop_gradient"):
                return False
            makes = fn in ("complex", "complex2", "np.complex128", "np.complex64")
            return makes or fn.startswith("cmath.") or any(is_complex_value(a, types) for a in args)
        case _:
            return False
