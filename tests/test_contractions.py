"""Matrices along one axis of arrays: sums of such products in one call, and short loops of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from adcompile import value_and_grad
from adcompile.backends.cpu import Argnums
from adcompile.backends.values import type_of_value
from adcompile.frontend.parse import parse
from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements
from adcompile.optimise.unroll import unroll_products
from adcompile.options import Options
from adcompile.pipeline import derive
from adcompile.runtime import contractions
from adcompile.testing import plain_value_and_grad
from tests.test_arrays import compare

rng = np.random.default_rng(11)
K, B, X = rng.normal(size=(4, 3, 2, 3)), rng.normal(size=4), rng.normal(size=(2, 3, 5, 6))
M, N = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
S, V = rng.normal(size=(2, 5, 3)), rng.normal(size=(3, 7))


def layer(k: Any, b: Any, x: Any) -> Any:
    rows, columns = x.shape[2] - 1, x.shape[3] - 2
    out = np.zeros((x.shape[0], b.size, rows, columns)) + b[:, None, None]
    for i in range(2):
        for j in range(3):
            part = x[:, :, i : i + rows, j : j + columns]
            out = out + np.einsum("oc,nchw->nohw", k[:, :, i, j], part)
    return np.mean(np.tanh(out) ** 2)


def in_place(k: Any, b: Any, x: Any) -> Any:
    rows, columns = x.shape[2] - 1, x.shape[3] - 2
    out = np.zeros((x.shape[0], b.size, rows, columns)) + b[:, None, None]
    for i in range(2):
        for j in range(3):
            out += np.einsum("oc,nchw->nohw", k[:, :, i, j], x[:, :, i : i + rows, j : j + columns])
    return np.mean(np.tanh(out) ** 2)


def into_memory(k: Any, b: Any, x: Any) -> Any:
    rows, columns = x.shape[2] - 1, x.shape[3] - 2
    out = np.zeros((x.shape[0], b.size, rows, columns))
    out[...] = b[:, None, None]
    for i in range(2):
        for j in range(3):
            out += np.einsum("oc,nchw->nohw", k[:, :, i, j], x[:, :, i : rows + i, j : columns + j])
    return np.mean(np.tanh(out) ** 2)


def channels_last(k: Any, b: Any, x: Any) -> Any:
    x = np.sin(x).transpose(0, 2, 3, 1).copy()
    out = b + np.zeros((2, 4, 4, 4))
    for i in range(2):
        for j in range(3):
            out = np.einsum("oc,nhwc->nhwo", k[:, :, i, j], x[:, i : i + 4, j : j + 4]) + out
    return np.sum(np.cos(out) * out)


def along_one_line(m: Any, v: Any) -> Any:
    total = np.zeros((2, 4, 2))
    pair = np.stack((v, 2.0 * v)).reshape(2, 3, 7)
    for shift in range(0, 6, 2):
        total = total + np.einsum("oc,nct->not", m * (shift + 1), pair[:, :, shift : shift + 2])
    return np.sum(total**3)


def one_image(m: Any, n: Any, x: Any) -> Any:
    image = x[0] * x[1]
    out = np.einsum("oc,chw->ohw", m, image[:, 1:, 1:])
    out = out + np.einsum("oc,chw->ohw", n, image[:, :-1, :-1])
    return np.sum(np.sin(out))


def two_arrays(m: Any, n: Any, s: Any) -> Any:
    out = np.einsum("nkc,oc->nko", s, m) + 0.5 + np.einsum("nkc,oc->nko", np.cos(s), n)
    return np.sum(np.tanh(out) * out[:, ::-1])


def one_inactive(m: Any, s: Any) -> Any:
    fixed = np.ones((2, 5, 3)) * 0.25
    return np.sum(np.sin(np.einsum("oc,nkc->nko", m, s) + np.einsum("oc,nkc->nko", m, fixed)))


def inactive_matrix(m: Any, s: Any) -> Any:
    fixed = np.full((4, 3), 0.5)
    first = np.einsum("oc,nkc->nko", m, s) + np.einsum("oc,nkc->nko", fixed, s * s)
    return np.sum(np.sin(first))


def turned_matrix(m: Any, x: Any) -> Any:
    turned = np.einsum("co,nchw->nohw", m.T, x)
    return np.sum(turned**2) + np.sum(np.cos(np.einsum("nchw,oc->nohw", x, m)))


def used_twice(m: Any, x: Any) -> Any:
    a = np.einsum("oc,nchw->nohw", m, x)
    b = a + np.einsum("oc,nchw->nohw", m, x * x)
    return np.sum(np.sin(b)) + np.sum(a * b)


def other_extents(m: Any, n: Any, x: Any) -> Any:
    wide = np.concatenate((n, m[:, :2]), axis=1)
    more = np.concatenate((x, x[:, 1:] ** 2), axis=1)
    out = np.einsum("oc,nchw->nohw", m, x) + np.einsum("oc,nchw->nohw", wide, more)
    return np.sum(np.cos(out))


def written_between(m: Any, n: Any, x: Any) -> Any:
    y = x * 1.0
    out = np.einsum("oc,nchw->nohw", m, y)
    y[0] = y[1] ** 2
    out = out + np.einsum("oc,nchw->nohw", n, y)
    y[1, 0, 0] = 3.0
    return np.sum(np.sin(out)) + np.sum(y * y)


def matrix_written(m: Any, x: Any) -> Any:
    k = m * 2.0
    out = np.zeros((2, 4, 5, 6))
    for i in range(2):
        out = out + np.einsum("oc,nchw->nohw", k, x)
        k[i] = k[i + 1] * k[i]
    return np.sum(np.sin(out))


def broadcast_rest(b: Any, m: Any, x: Any) -> Any:
    out = np.einsum("oc,nchw->nohw", m, x) + b[:, None, None] + np.einsum("oc,nchw->nohw", m, x * x)
    return np.sum(np.exp(-(out**2)))


def larger_rest(m: Any, x: Any) -> Any:
    rest = x[None, :, :1] * 0.3 + np.zeros((3, 2, 4, 5, 6))
    return np.sum(np.sin(rest + np.einsum("oc,nchw->nohw", m, x)))


def in_a_branch(m: Any, x: Any) -> Any:
    out = np.zeros((2, 4, 5, 6))
    if x[0, 0, 0, 0] < 10.0:
        for i in range(2):
            out = out + (i + 1) * np.einsum("oc,nchw->nohw", m, x)
    else:
        out = out + 1.0
    return np.sum(np.cos(out))


def in_a_loop(m: Any, x: Any) -> Any:
    total = 0.0
    for step in range(x.shape[0]):
        out = np.zeros((2, 4, 5, 6))
        for i in range(2):
            out = out + np.einsum("oc,nchw->nohw", m * (i + step), x)
        total += np.sum(np.sin(out))
    return total


def network(m: Any, s: Any) -> Any:
    h = s[0] @ m.T
    for k in range(3):
        h = np.tanh(h @ m @ m.T) * (k + 1)
    return np.sum(h)


def loop_variable_after(m: Any, x: Any) -> Any:
    out = np.zeros((2, 4, 5, 6))
    for i in range(3):
        if i == 1:
            out = out + i * np.einsum("oc,nchw->nohw", m, x)
        else:
            out = out - np.einsum("oc,nchw->nohw", m, x / (i + 1))
    return np.sum(np.sin(out)) * i


FORMS: dict[Any, tuple[str, int, tuple[Any, ...]]] = {
    layer: ("contract_1(", 1, (K, B, X)),
    in_place: ("contract_1(", 1, (K, B, X)),
    into_memory: ("contract_1(", 6, (K, B, X)),
    channels_last: ("contract_last(", 1, (K, B, X)),
    along_one_line: ("contract_1(", 1, (M, V)),
    one_image: ("contract_0(", 1, (M, N, X)),
    two_arrays: ("contract_last(", 1, (M, N, S)),
    one_inactive: ("contract_last(", 1, (M, S)),
    inactive_matrix: ("contract_last(", 1, (M, S)),
    turned_matrix: ("contract_1(", 2, (M, X)),
    used_twice: ("contract_1(", 2, (M, X)),
    other_extents: ("contract_1(", 1, (M, N, X)),
    written_between: ("contract_1(", 2, (M, N, X)),
    matrix_written: ("contract_1(", 2, (M, X)),
    broadcast_rest: ("contract_1(", 1, (B, M, X)),
    larger_rest: ("contract_1(", 1, (M, X)),
    in_a_branch: ("contract_1(", 2, (M, X)),
    in_a_loop: ("contract_1(", 0, (M, X)),
    network: ("dot", 7, (M, S)),
    loop_variable_after: ("contract_1(", 6, (M, X)),
}
CALLS = [
    ("contract_0", 0, (3, 6, 9), "C"),
    ("contract_1", 1, (3, 4, 7, 6), "strided"),
    ("contract_last", -1, (6, 9, 4), "F"),
]
each = pytest.mark.parametrize("f", FORMS, ids=lambda f: f.__name__)


@each
@pytest.mark.parametrize("optimise", [True, False])
def test_derivatives(f: Any, optimise: bool) -> None:
    compare(f, FORMS[f][2], optimise)


@each
def test_number_of_calls(f: Any) -> None:
    name, count, args = FORMS[f]
    wanted = Argnums(tuple(range(len(args))), False, "grad")
    found = derive(f, tuple(map(type_of_value, args)), wanted, False, Options(cache=False))
    forward = found.generated.text.partition(f"def {f.__name__}_forward")[2]
    assert forward.partition("\n\n\n")[0].count(name) == count


def test_sums_keep_their_order_without_vector_math() -> None:
    wanted = Argnums((0, 1, 2), False, "grad")
    options = Options(cache=False, vector_math=False)
    text = derive(layer, tuple(map(type_of_value, (K, B, X))), wanted, False, options)
    forward = text.generated.text.partition("def layer_forward")[2].partition("\n\n\n")[0]
    assert forward.count("contract_1(") == 6


@pytest.mark.compiled
def test_compiled() -> None:
    f, args = layer, (K, B, X)
    argnums = tuple(range(len(args)))
    value, grads = value_and_grad(f, argnums=argnums)(*args)
    want, expected = plain_value_and_grad(f, argnums)(*args)
    assert value == pytest.approx(want, rel=1e-12)
    for a, b in zip(grads, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


# ---------------------------------------------------------------- the library calls


def summed(axis: int, matrices: Any, parts: Any) -> Any:
    return sum(
        np.moveaxis(np.tensordot(m, p, (1, axis)), 0, axis)
        for m, p in zip(matrices, parts, strict=True)
    )


def cut(x: Any, shift: int) -> Any:
    """A part that overlaps those of other shifts, but for the axis that is summed over."""
    return x[tuple(slice(shift, n - 2 + shift) if n > 4 else slice(None) for n in x.shape)]


@pytest.mark.compiled
@pytest.mark.parametrize("name, axis, shape, order", CALLS)
def test_calls(name: str, axis: int, shape: tuple[int, ...], order: str) -> None:
    """Beside NumPy, for parts of an array that overlap, and of another one."""
    wide, other = rng.normal(size=shape), rng.normal(size=shape)
    if order == "F":
        wide, other = np.asfortranarray(wide), np.asfortranarray(other)
    if order == "strided":
        wide, other = np.repeat(wide, 2, axis=-1)[..., ::2], other[..., ::-1]
    parts = (cut(wide, 0), cut(wide, 1), cut(other, 2))
    matrices = tuple(rng.normal(size=(40, p.shape[axis])) for p in parts)
    call = getattr(contractions, name)
    made = call(*matrices, *parts)
    np.testing.assert_allclose(made, summed(axis, matrices, parts), rtol=1e-12, atol=1e-12)

    made_adj = rng.normal(size=made.shape)
    shadows = tuple(np.ones_like(m) for m in matrices)
    getattr(contractions, f"{name}_matrices")(made_adj, *parts, *shadows)
    for shadow, part in zip(shadows, parts, strict=True):
        rows, columns = (np.moveaxis(a, axis, 0) for a in (made_adj, part))
        expected = 1.0 + rows.reshape(40, -1) @ columns.reshape(part.shape[axis], -1).T
        np.testing.assert_allclose(shadow, expected, rtol=1e-11, atol=1e-11)

    wide_adj, other_adj = np.ones_like(wide), np.ones_like(other)
    into = (cut(wide_adj, 0), cut(wide_adj, 1), cut(other_adj, 2))
    getattr(contractions, f"{name}_parts")(made_adj, *matrices, *into)
    whole = np.ones_like(wide), np.ones_like(other)
    for matrix, (k, shift) in zip(matrices, ((0, 0), (0, 1), (1, 2)), strict=True):
        cut(whole[k], shift)[...] += summed(axis, [matrix.T], [made_adj])
    np.testing.assert_allclose(wide_adj, whole[0], rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(other_adj, whole[1], rtol=1e-11, atol=1e-11)


@pytest.mark.compiled
def test_calls_on_nothing() -> None:
    m, x = np.ones((4, 3)), np.ones((0, 3, 5))
    assert contractions.contract_1(m, x).shape == (0, 4, 5)
    assert np.all(
        contractions.contract_1(np.ones((4, 0)), np.ones((2, 0, 5))) == np.zeros((2, 4, 5))
    )
    assert contractions.contract_last(m, np.ones((2, 0, 3))).shape == (2, 0, 4)
    assert contractions.contract_0(m, np.ones((3, 5, 0))).shape == (4, 5, 0)


# ---------------------------------------------------------------- short loops


def nested_loops(a: Any, b: Any) -> Any:
    total = np.zeros((2, 2))
    for i in range(2):
        for j in range(4, 0, -2):
            total = total + (i * 2 + j) * np.dot(a[i : i + 2], b[:, j - i : j - i + 2])
            if i > j - 2:
                total = np.sin(total) + 3.0
        a = a + i
    return np.sum(total) * np.sum(a * a) + i + j


@pytest.mark.parametrize("optimise", [True, False])
def test_unrolled_program(optimise: bool) -> None:
    compare(nested_loops, (rng.normal(size=(4, 3)), rng.normal(size=(3, 7))), optimise)
    body = unroll_products(parse(nested_loops)).body
    assert not any(isinstance(s, ir.For) for s in statements(body))


def loops_inside(a: Any, b: Any) -> Any:
    total = 0.0
    for i in range(3):
        c = np.dot(a + i, b)
        for j in range(c.shape[0]):
            for k in range(j, c.shape[1]):
                total += np.sin(c[j, k] * (i + 1)) * j
    return total


@pytest.mark.parametrize("optimise", [True, False])
def test_loops_in_unrolled_loops(optimise: bool) -> None:
    compare(loops_inside, (rng.normal(size=(4, 3)), rng.normal(size=(3, 7))), optimise)


def test_what_stays_a_loop() -> None:
    def long(a: Any) -> Any:
        for _ in range(100):
            a = np.dot(a, a)
        return a

    def unknown(a: Any) -> Any:
        for _ in range(a.shape[0]):
            a = np.dot(a, a)
        return a

    def left_early(a: Any) -> Any:
        for _ in range(3):
            a = np.dot(a, a)
            if a[0, 0] > 1.0:
                break
        return a

    def no_product(a: Any) -> Any:
        for _ in range(3):
            a = np.sin(a)
        return a

    def never(a: Any) -> Any:
        for _ in range(3, 3):
            a = np.dot(a, a)
        return a

    for f in (long, unknown, left_early, no_product, never):
        fn = parse(f)
        assert unroll_products(fn) == fn
