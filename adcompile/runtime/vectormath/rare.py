"""A call that a loop makes for the few elements that need it, and is vectorised all the same.

LLVM vectorises a conditional call, as a branch and a scalar call per lane, if the function says
that it has a masked vector form, even where that form is not the one to take.  So the function is
given one, too wide ever to be taken: declared, and not defined.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from adcompile.runtime.vectormath.values import Float, Mask, strict

_KINDS = {64: ir.DoubleType(), 32: ir.FloatType()}
_LANES = 1024


def rarely(condition: Mask, function: str, x: Float, otherwise: Float) -> Float:
    """The C library's ``function`` of x where the condition holds, else ``otherwise``.

    A float32 is computed in float64.
    """
    builder = condition.builder
    called = _function(builder.module, function, x.bits)
    before = builder.block
    with builder.if_then(condition.ir, likely=False):
        result = strict(builder.call(called, [x.ir]))
        within = builder.block
    either = builder.phi(x.ir.type)
    either.add_incoming(otherwise.ir, before)
    either.add_incoming(result, within)
    return Float(builder, either)


def _function(module: Any, function: str, bits: int) -> Any:
    name = f"adcompile.rare_{function}_{bits}"
    if name in module.globals:
        return module.globals[name]
    made = ir.Function(module, ir.FunctionType(_KINDS[bits], [_KINDS[bits]]), name)
    made.linkage = "linkonce_odr"
    form = f"_ZGV_LLVM_M{_LANES}v_{name}({_vector_form(module, bits)})"
    for attribute in (
        "noinline",
        "nounwind",
        "readnone",
        "willreturn",
        f'"vector-function-abi-variant"="{form}"',
    ):
        set.add(made.attributes, attribute)  # llvmlite's own ``add`` does not know the last two
    library = module.globals.get(function)
    if library is None:
        library = ir.Function(module, ir.FunctionType(_KINDS[64], [_KINDS[64]]), function)
    builder = ir.IRBuilder(made.append_basic_block())
    (x,) = made.args
    if bits == 64:
        builder.ret(strict(builder.call(library, [x])))
    else:
        wide = strict(builder.call(library, [builder.fpext(x, _KINDS[64])]))
        builder.ret(builder.fptrunc(wide, _KINDS[bits]))
    return made


def _vector_form(module: Any, bits: int) -> str:
    """The name of the declaration, which ``llvm.compiler.used`` keeps although nothing calls it."""
    names = {bits: f"adcompile.rare_vector_{bits}" for bits in _KINDS}
    if names[bits] not in module.globals:
        pointer = ir.IntType(8).as_pointer()
        mask = ir.VectorType(ir.IntType(1), _LANES)
        kept = []
        for width, kind in _KINDS.items():
            lanes = ir.VectorType(kind, _LANES)
            form = ir.Function(module, ir.FunctionType(lanes, [lanes, mask]), names[width])
            kept.append(form.bitcast(pointer))
        listed = ir.ArrayType(pointer, len(kept))
        variable = ir.GlobalVariable(module, listed, "llvm.compiler.used")
        variable.linkage = "appending"
        variable.section = "llvm.metadata"
        variable.initializer = ir.Constant(listed, kept)
    return names[bits]
