"""Reduction of large angles, beyond what floats do exactly: Payne and Hanek's method in integers.

x is m 2^e with an integer m.  Of x 2/pi only the remainder by 4 matters: k quarter turns and a
fraction.  So m is multiplied by those 256 bits of 2^e 2/pi that stand below 4.

It is a function that loops call: given vector forms, which ask once whether any of their elements
is large and otherwise do nothing, it leaves a loop vectorised at little cost.  Sines and cosines of
the same number share the call.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from adcompile.runtime.vectormath.values import Float, strict

LARGE = {64: 2.0**30, 32: 2.0**17}
_BOUND = {64: (1023 + 30) << 52, 32: (127 + 17) << 23}  # its bits

_FORMS = {64: (2, 4, 8), 32: (4, 8, 16)}  # vectors of 128, 256 and 512 bits
_FLOATS = {64: ir.DoubleType(), 32: ir.FloatType()}
_DIGITS = 1232  # of 2/pi: the window of the largest exponent begins at 972 + 254
_WINDOW = ir.IntType(256)
# |r| is at least 2^-61 (float32: 2^-30).  So its exponent's upper bits, which begin here, are the
# same for all r, and k can be added to them.
QUARTER_BIT = {64: 58, 32: 28}
# Which bits, and what they are for k = 0.
EXPONENT_ABOVE = {64: (31 << 58, 15 << 58), 32: (7 << 28, 3 << 28)}


def unless_large(x: Float) -> Float:
    """x, or where it is large, r with k in its exponent's upper bits (anything for infinities)."""
    builder = x.builder
    return Float(builder, strict(builder.call(_function(builder.module, x.bits), [x.ir])))


def _arctan_of_inverse(n: int, one: int) -> int:
    term = one // n
    total, k = term, 1
    while term:
        term //= -n * n
        k += 2
        total += term // k
    return total


def _pi(digits: int) -> int:
    """pi 2^digits, rounded down, by Machin's formula."""
    one = 1 << (digits + 64)
    return (16 * _arctan_of_inverse(5, one) - 4 * _arctan_of_inverse(239, one)) >> 64


def _two_over_pi(module: Any) -> Any:
    """The digits of 2/pi, as bytes in memory."""
    name = "adcompile.two_over_pi"
    if name in module.globals:
        return module.globals[name]
    number = (1 << (2 * _DIGITS + 65)) // _pi(_DIGITS + 64)
    text = bytearray(number.to_bytes(_DIGITS // 8 + 16, "little"))
    kind = ir.ArrayType(ir.IntType(8), len(text))
    made = ir.GlobalVariable(module, kind, name)
    made.linkage = "linkonce_odr"
    made.global_constant = True
    made.initializer = ir.Constant(kind, text)
    return made


def _function(module: Any, bits: int) -> Any:
    name = f"adcompile.unless_large_{bits}"
    if name in module.globals:
        return module.globals[name]
    scalar = _declare(module, name, _FLOATS[bits])
    _write_scalar(scalar, bits)
    forms, mappings = [], []
    for lanes in _FORMS[bits]:
        form = _declare(module, f"{name}_{lanes}", ir.VectorType(_FLOATS[bits], lanes))
        if module.triple.startswith("x86_64"):
            # It leaves half of the vector registers as they are.
            form.calling_convention = "intel_ocl_bicc"
        _write_form(form, scalar, lanes, bits)
        forms.append(form)
        mappings.append(f"_ZGV_LLVM_N{lanes}v_{name}({form.name})")
    set.add(scalar.attributes, f'"vector-function-abi-variant"="{",".join(mappings)}"')
    _keep(module, forms)
    return scalar


def _declare(module: Any, name: str, kind: Any) -> Any:
    made = ir.Function(module, ir.FunctionType(kind, [kind]), name)
    made.linkage = "linkonce_odr"
    for attribute in ("noinline", "nounwind", "readnone", "willreturn"):
        set.add(made.attributes, attribute)  # llvmlite's own ``add`` does not know the last
    return made


def _keep(module: Any, forms: list[Any]) -> None:
    """Nothing calls the forms before LLVM vectorises."""
    name = "llvm.compiler.used"
    pointer = ir.IntType(8).as_pointer()
    kept = [form.bitcast(pointer) for form in forms]
    if name in module.globals:
        variable = module.globals[name]
        kept = [*variable.initializer.constant, *kept]
    kind = ir.ArrayType(pointer, len(kept))
    if name in module.globals:
        variable.value_type, variable.type = kind, kind.as_pointer()
    else:
        variable = ir.GlobalVariable(module, kind, name)
        variable.linkage = "appending"
        variable.section = "llvm.metadata"
    variable.initializer = ir.Constant(kind, kept)


def _is_large(builder: Any, x: Any, lanes: int, bits: int) -> Any:
    """Of bits without the sign, which order as the numbers do, infinities and NaN after them."""
    magnitude, bound = (1 << (bits - 1)) - 1, _BOUND[bits]
    word = ir.IntType(bits)
    kind = word if lanes == 1 else ir.VectorType(word, lanes)
    masks, bounds = (
        ir.Constant(kind, value if lanes == 1 else [value] * lanes) for value in (magnitude, bound)
    )
    return builder.icmp_signed(">", builder.and_(builder.bitcast(x, kind), masks), bounds)


def _write_form(form: Any, scalar: Any, lanes: int, bits: int) -> None:
    builder = ir.IRBuilder(form.append_basic_block())
    (x,) = form.args
    each = builder.bitcast(_is_large(builder, x, lanes, bits), ir.IntType(lanes))
    with builder.if_then(builder.icmp_unsigned("!=", each, each.type(0)), likely=False):
        result = x
        for lane in range(lanes):
            index = ir.IntType(32)(lane)
            reduced = strict(builder.call(scalar, [builder.extract_element(x, index)]))
            result = builder.insert_element(result, reduced, index)
        builder.ret(result)
    builder.ret(x)


def _write_scalar(function: Any, bits: int) -> None:
    word, long = ir.IntType(64), ir.IntType(128)
    builder = ir.IRBuilder(function.append_basic_block())
    (x,) = function.args
    with builder.if_then(builder.not_(_is_large(builder, x, 1, bits)), likely=True):
        builder.ret(x)
    wide = x if bits == 64 else builder.fpext(x, _FLOATS[64])
    raw = builder.bitcast(wide, word)
    exponent = builder.and_(builder.lshr(raw, word(52)), word(2047))
    m = builder.or_(builder.and_(raw, word((1 << 52) - 1)), word(1 << 52))

    # The digits from 2 down to 2^-254 of 2^e 2/pi, e = exponent - 1075.
    skipped = builder.sub(word(_DIGITS - 254 + 1075), exponent)
    table = _two_over_pi(builder.module)
    start = builder.gep(table, [word(0), builder.lshr(skipped, word(3))], inbounds=True)
    bytes_there = ir.IntType(264)
    digits = builder.load(builder.bitcast(start, bytes_there.as_pointer()), align=1)
    within = builder.zext(builder.and_(skipped, word(7)), bytes_there)
    window = builder.trunc(builder.lshr(digits, within), _WINDOW)

    product = builder.mul(window, builder.zext(m, _WINDOW))
    negative = builder.icmp_signed("<", raw, word(0))
    product = builder.select(negative, builder.neg(product), product)
    k = builder.lshr(builder.add(product, _WINDOW(1 << 253)), _WINDOW(254))
    fraction = builder.sub(product, builder.shl(k, _WINDOW(254)))
    negative = builder.icmp_signed("<", fraction, _WINDOW(0))
    fraction = builder.select(negative, builder.neg(fraction), fraction)

    # r = fraction pi/2 2^-254: 64 leading digits of each, and the exponent apart.
    zeros = builder.ctlz(fraction, ir.IntType(1)(0))
    leading = builder.lshr(builder.shl(fraction, zeros), _WINDOW(128))
    half_pi = long(_pi(62))
    r = builder.mul(builder.lshr(builder.trunc(leading, long), long(64)), half_pi)
    r = builder.uitofp(builder.trunc(builder.lshr(r, long(64)), word), _FLOATS[64])
    scale = builder.sub(word(1023 - 61), builder.trunc(zeros, word))
    r = strict(builder.fmul(r, builder.bitcast(builder.shl(scale, word(52)), _FLOATS[64])))
    narrow = ir.IntType(bits)
    if bits == 32:
        r = builder.fptrunc(r, _FLOATS[32])
    turns = builder.shl(builder.trunc(k, narrow), narrow(QUARTER_BIT[bits]))
    sign = builder.select(negative, narrow(1 << (bits - 1)), narrow(0))
    encoded = builder.or_(builder.add(builder.bitcast(r, narrow), turns), sign)
    builder.ret(builder.bitcast(encoded, _FLOATS[bits]))
