"""What kernels compute with: values on which Python's operators emit LLVM instructions.

A kernel is a Python function of ``Float``s.  Calling it while Numba lowers a call writes its
instructions straight into the caller: no typing, no call to inline, straight-line code that the
loop vectoriser takes as it is.  A kernel has no branches: it computes both sides and selects.  It
is written once for float64 and float32; ``x.bits`` says which one is being written, and Python
numbers become constants of that width.

No instruction carries fast-math flags, and those of the caller are kept off (Numba adds them to a
whole module): exact sums and products stay exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from llvmlite import ir


class _NoFlags(list[str]):
    """The flags of an instruction, to which none can be added."""

    def append(self, flag: str) -> None:
        pass

    def add(self, flag: str) -> None:
        pass


def strict(instruction: Any) -> Any:
    if isinstance(instruction, ir.CallInstr):
        instruction.fastmath = _NoFlags()
    elif isinstance(instruction, ir.Instruction):
        instruction.flags = _NoFlags()
    return instruction


@dataclass(frozen=True, eq=False)
class Value:
    builder: Any
    ir: Any


V = TypeVar("V", bound=Value)


class Mask(Value):
    """A comparison's result."""

    def __and__(self, other: Mask) -> Mask:
        return Mask(self.builder, self.builder.and_(self.ir, other.ir))

    def __or__(self, other: Mask) -> Mask:
        return Mask(self.builder, self.builder.or_(self.ir, other.ir))

    def __invert__(self) -> Mask:
        return Mask(self.builder, self.builder.not_(self.ir))


class Int(Value):
    """An integer as wide as the float it belongs to.  Arithmetic wraps; ``>>`` is the logical
    shift: there is no packed arithmetic shift, multiplication or conversion of 64 bits in AVX2."""

    @property
    def bits(self) -> int:
        return int(self.ir.type.width)

    def const(self, value: int) -> Int:
        return Int(self.builder, ir.Constant(self.ir.type, value))

    def _with(self, other: Int | int) -> Any:
        return other.ir if isinstance(other, Int) else self.const(other).ir

    def __add__(self, other: Int | int) -> Int:
        return Int(self.builder, self.builder.add(self.ir, self._with(other)))

    def __sub__(self, other: Int | int) -> Int:
        return Int(self.builder, self.builder.sub(self.ir, self._with(other)))

    def __and__(self, other: Int | int) -> Int:
        return Int(self.builder, self.builder.and_(self.ir, self._with(other)))

    def __or__(self, other: Int | int) -> Int:
        return Int(self.builder, self.builder.or_(self.ir, self._with(other)))

    def __xor__(self, other: Int | int) -> Int:
        return Int(self.builder, self.builder.xor(self.ir, self._with(other)))

    def __lshift__(self, places: int) -> Int:
        return Int(self.builder, self.builder.shl(self.ir, self._with(places)))

    def __rshift__(self, places: int) -> Int:
        return Int(self.builder, self.builder.lshr(self.ir, self._with(places)))

    def _compare(self, relation: str, other: Int | int) -> Mask:
        return Mask(self.builder, self.builder.icmp_signed(relation, self.ir, self._with(other)))

    def __lt__(self, other: Int | int) -> Mask:
        return self._compare("<", other)

    def __gt__(self, other: Int | int) -> Mask:
        return self._compare(">", other)

    def equals(self, other: Int | int) -> Mask:
        return self._compare("==", other)

    def as_float(self) -> Float:
        """The float with these bits."""
        to = ir.DoubleType() if self.bits == 64 else ir.FloatType()
        return Float(self.builder, self.builder.bitcast(self.ir, to))


class Float(Value):
    """A float64 or a float32."""

    @property
    def bits(self) -> int:
        return 64 if isinstance(self.ir.type, ir.DoubleType) else 32

    def const(self, value: float) -> Float:
        """``value`` as wide as this."""
        return Float(self.builder, ir.Constant(self.ir.type, value))

    def _with(self, other: Float | float) -> Any:
        return other.ir if isinstance(other, Float) else self.const(other).ir

    def _made(self, instruction: Any) -> Float:
        return Float(self.builder, strict(instruction))

    def __add__(self, other: Float | float) -> Float:
        return self._made(self.builder.fadd(self.ir, self._with(other)))

    def __sub__(self, other: Float | float) -> Float:
        return self._made(self.builder.fsub(self.ir, self._with(other)))

    def __mul__(self, other: Float | float) -> Float:
        return self._made(self.builder.fmul(self.ir, self._with(other)))

    def __truediv__(self, other: Float | float) -> Float:
        return self._made(self.builder.fdiv(self.ir, self._with(other)))

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: float) -> Float:
        return self.const(other) - self

    def __rtruediv__(self, other: float) -> Float:
        return self.const(other) / self

    def __neg__(self) -> Float:
        return self._made(self.builder.fneg(self.ir))

    def __abs__(self) -> Float:
        return self._call("fabs")

    def _compare(self, relation: str, other: Float | float) -> Mask:
        compare = self.builder.fcmp_unordered if relation == "!=" else self.builder.fcmp_ordered
        return Mask(self.builder, strict(compare(relation, self.ir, self._with(other))))

    # Comparisons with a NaN are false.

    def __lt__(self, other: Float | float) -> Mask:
        return self._compare("<", other)

    def __le__(self, other: Float | float) -> Mask:
        return self._compare("<=", other)

    def __gt__(self, other: Float | float) -> Mask:
        return self._compare(">", other)

    def __ge__(self, other: Float | float) -> Mask:
        return self._compare(">=", other)

    def equals(self, other: Float | float) -> Mask:
        return self._compare("==", other)

    def is_nan(self) -> Mask:
        return self._compare("!=", self)

    def as_int(self) -> Int:
        """The integer with these bits."""
        return Int(self.builder, self.builder.bitcast(self.ir, ir.IntType(self.bits)))

    def wide(self) -> Float:
        """As a float64."""
        return self._made(self.builder.fpext(self.ir, ir.DoubleType()))

    def narrow(self) -> Float:
        """Rounded to a float32."""
        return self._made(self.builder.fptrunc(self.ir, ir.FloatType()))

    def _call(self, name: str, *others: Float | float) -> Float:
        values = (self.ir, *(self._with(other) for other in others))
        kind = ir.FunctionType(self.ir.type, [self.ir.type] * len(values))
        function = self.builder.module.declare_intrinsic(f"llvm.{name}", [self.ir.type], kind)
        return self._made(self.builder.call(function, values))

    def sqrt(self) -> Float:
        return self._call("sqrt")

    def rint(self) -> Float:
        """The nearest integer, halves to even."""
        return self._call("rint")

    def copysign(self, sign: Float) -> Float:
        """The magnitude of this with the sign of ``sign``."""
        mask = _SIGN[self.bits]
        magnitude = self.as_int() & ~mask
        return (magnitude | (sign.as_int() & mask)).as_float()


_SIGN = {64: -(1 << 63), 32: -(1 << 31)}


def fma(a: Float, b: Float | float, c: Float | float) -> Float:
    """a * b + c, rounded once."""
    return a._call("fma", b, c)


def select(condition: Mask, yes: Float | float, no: Float | float) -> Float:
    """``yes`` where the condition holds, else ``no``; one of them at least is no constant."""
    like = yes if isinstance(yes, Float) else no
    assert isinstance(like, Float)
    builder = condition.builder
    return Float(builder, builder.select(condition.ir, like._with(yes), like._with(no)))


def clamp(x: Float, low: float, high: float) -> Float:
    """``x`` moved into [low, high]; NaN stays."""
    x = select(x < low, low, x)
    return select(x > high, high, x)


def horner(x: Float, coefficients: Sequence[float]) -> Float:
    """c0 + c1 x + c2 x^2 + ..."""
    total = x.const(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = fma(total, x, coefficient)
    return total


def polynomial(x: Float, coefficients: Sequence[float]) -> Float:
    """``horner`` by Estrin's scheme: neighbours are joined, then pairs of these, and so on, so that
    few operations wait for one another."""
    terms: list[Float | float] = list(coefficients)
    while len(terms) > 1:
        pairs = [fma(x, terms[i + 1], terms[i]) for i in range(0, len(terms) - 1, 2)]
        terms = [*pairs, *terms[len(terms) & ~1 :]]
        x = x * x
    total = terms[0]
    assert isinstance(total, Float)
    return total


def two_sum(a: Float, b: Float) -> tuple[Float, Float]:
    """a + b exactly, as its rounded value and the rest, for |a| >= |b| or a == 0."""
    total = a + b
    return total, b - (total - a)


def two_sum_any(a: Float, b: Float) -> tuple[Float, Float]:
    """``two_sum``, whichever is larger."""
    total = a + b
    from_b = total - a
    return total, (a - (total - from_b)) + (b - from_b)


def two_product(a: Float, b: Float) -> tuple[Float, Float]:
    """a * b exactly, as its rounded value and the rest (where the rest does not underflow)."""
    product = a * b
    return product, fma(a, b, -product)
