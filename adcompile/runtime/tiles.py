"""C = A B in tiles that stay in registers, where BLAS has one thread.

BLAS copies A and B into panels first, which pays where matrices are large.  Those of a network's
layer are not: here each tile of C, of 6 rows and 2 or 4 vectors, runs through a column of A's
elements and rows of B where they lie.  1.2 to 1.5 times as quick as OpenBLAS for 64 to 256 samples
(Goto and van de Geijn, Anatomy of high-performance matrix multiplication, 2008, without packing).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir as llvm
from numba.core import cgutils
from numba.core import types as nt
from numba.extending import lower_builtin, type_callable

from adcompile.blas import SYMBOL
from adcompile.runtime.helper import njit

_flags = {"cache": True, "error_model": "numpy", "fastmath": False, "boundscheck": False}
_ROWS, _DEPTH = 6, 1024
_SMALL, _FEW = 500_000, 12  # multiplications and rows, below which BLAS is as quick
_WIDE = 2048  # bytes of a row of B, from which on its columns no longer fit into the cache
_PAGE = 4096  # elements that many bytes apart share one set of the cache


def _shape_of_tile(context: Any, kinds: Any) -> tuple[int, int]:
    """Bytes of a vector and vectors of a row, 0 where these arrays or this machine have none."""
    c, a, b = kinds[:3]
    floats = c.dtype in (nt.float32, nt.float64) and a.dtype == b.dtype == c.dtype
    if floats and a.ndim == b.ndim == c.ndim == 2 and b.layout == c.layout == "C":
        features = set(str(context.codegen().magic_tuple()[2]).split(","))
        if "+avx512f" in features:
            return 64, 4
        if {"+avx2", "+fma"} <= features:
            return 32, 2
    return 0, 0


def _width(c: Any, a: Any, b: Any) -> int:
    """Columns of a tile, or 0: outside compiled code BLAS does it all."""
    return 0


@type_callable(_width)
def _type_of_width(context: Any) -> Any:
    return lambda c, a, b: nt.intp


@lower_builtin(_width, nt.Array, nt.Array, nt.Array)
def _lower_width(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    size, vectors = _shape_of_tile(context, signature.args)
    width = llvm.IntType(64)(size * vectors // (signature.args[0].dtype.bitwidth // 8))
    threads = builder.load(context.get_c_value(builder, llvm.IntType(64), SYMBOL))
    alone = builder.icmp_signed("==", threads, llvm.IntType(64)(1))
    return builder.select(alone, width, llvm.IntType(64)(0))


def _tile(c: Any, a: Any, b: Any, i: int, j: int, start: int, stop: int) -> None:
    """c[i : i + rows, j : j + width] = or, for start > 0, += a[:, start:stop] b[start:stop]."""


@type_callable(_tile)
def _type_of_tile(context: Any) -> Any:
    return lambda c, a, b, i, j, start, stop: nt.none


@lower_builtin(_tile, nt.Array, nt.Array, nt.Array, *[nt.Integer] * 4)
def _lower_tile(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    size, vectors = _shape_of_tile(context, signature.args)
    if not size:
        return context.get_dummy_value()
    c, a, b = (
        context.make_array(kind)(context, builder, value)
        for kind, value in zip(signature.args[:3], args[:3])
    )
    word, byte = llvm.IntType(64), llvm.IntType(8).as_pointer()
    i, j, start, stop = (
        context.cast(builder, value, kind, nt.intp)
        for value, kind in zip(args[3:], signature.args[3:])
    )
    number = context.get_value_type(signature.args[0].dtype)
    itemsize = signature.args[0].dtype.bitwidth // 8
    vector = llvm.VectorType(number, size // itemsize)
    unset = llvm.Constant(vector, llvm.Undefined)
    zeros = llvm.Constant(llvm.VectorType(llvm.IntType(32), size // itemsize), None)
    fma = cgutils.get_or_insert_function(
        builder.module,
        llvm.FunctionType(vector, (vector,) * 3),
        f"llvm.fma.v{size // itemsize}f{8 * itemsize}",
    )

    def at(array: Any, row: Any, column: Any) -> Any:
        offset = word(0)
        for place, stride in zip((row, column), cgutils.unpack_tuple(builder, array.strides, 2)):
            offset = builder.add(offset, builder.mul(place, stride))
        return builder.gep(builder.bitcast(array.data, byte), [offset])

    def part(pointer: Any, v: int) -> Any:
        return builder.bitcast(builder.gep(pointer, [word(v * size)]), vector.as_pointer())

    tile = [(r, v) for r in range(_ROWS) for v in range(vectors)]
    last = builder.sub(cgutils.unpack_tuple(builder, c.shape, 2)[0], word(1))
    rows = []  # past the end the last one again: the same numbers are written twice
    for r in range(_ROWS):
        row = builder.add(i, word(r))
        rows.append(builder.select(builder.icmp_signed("<", row, last), row, last))
    targets = [at(c, row, j) for row in rows]
    row_stride, step_of_a = cgutils.unpack_tuple(builder, a.strides, 2)
    offsets = [builder.mul(row, row_stride) for row in rows]
    step_of_b = cgutils.unpack_tuple(builder, b.strides, 2)[0]
    origins = start, at(a, word(0), start), at(b, start, j)

    entry = builder.block
    later, loop, end = (builder.append_basic_block(name) for name in ("later", "loop", "end"))
    builder.cbranch(builder.icmp_signed("==", start, word(0)), loop, later)
    builder.position_at_end(later)
    before = {(r, v): builder.load(part(targets[r], v), align=itemsize) for r, v in tile}
    builder.branch(loop)

    builder.position_at_end(loop)
    running = [builder.phi(origin.type) for origin in origins]
    sums = {place: builder.phi(vector) for place in tile}
    k, of_a, of_b = running
    loaded = [builder.load(part(of_b, v), align=itemsize) for v in range(vectors)]
    added = {}
    for r in range(_ROWS):
        element = builder.bitcast(builder.gep(of_a, [offsets[r]]), number.as_pointer())
        first = builder.insert_element(
            unset, builder.load(element, align=itemsize), llvm.IntType(32)(0)
        )
        spread = builder.shuffle_vector(first, unset, zeros)
        for v in range(vectors):
            added[r, v] = builder.call(fma, (spread, loaded[v], sums[r, v]))
    following = (
        builder.add(k, word(1)),
        builder.gep(of_a, [step_of_a]),
        builder.gep(of_b, [step_of_b]),
    )
    for phi, origin, after in zip(running, origins, following):
        for value, block in ((origin, entry), (origin, later), (after, loop)):
            phi.add_incoming(value, block)
    for place, phi in sums.items():
        for value, block in (
            (llvm.Constant(vector, None), entry),
            (before[place], later),
            (added[place], loop),
        ):
            phi.add_incoming(value, block)
    builder.cbranch(builder.icmp_signed("<", following[0], stop), loop, end)

    builder.position_at_end(end)
    for r, v in tile:
        builder.store(added[r, v], part(targets[r], v), align=itemsize)
    return context.get_dummy_value()


@njit(**_flags)
def suits(c: Any, a: Any, b: Any) -> bool:
    """Whether ``multiply`` can have these matrices, and is quicker than BLAS."""
    width = _width(c, a, b)
    if width == 0 or a.shape[1] != b.shape[0] or c.shape != (a.shape[0], b.shape[1]):
        return False
    if a.shape[0] < _FEW or a.shape[0] * a.shape[1] * b.shape[1] < _SMALL:
        return False
    fits = b.shape[1] % width == 0 and b.shape[1] * b.itemsize <= _WIDE
    return bool(fits and (a.strides[1] % _PAGE != 0 or a.shape[1] <= 64))


@njit(**_flags)
def multiply(c: Any, a: Any, b: Any) -> None:
    """C = A B, for matrices that ``suits`` is true of."""
    width = _width(c, a, b)
    depth = a.shape[1]
    for start in range(0, depth, _DEPTH):
        stop = min(depth, start + _DEPTH)
        for j in range(0, c.shape[1], width):
            for i in range(0, c.shape[0], _ROWS):
                _tile(c, a, b, i, j, start, stop)
