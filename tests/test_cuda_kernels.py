"""Adjoints of CUDA kernels, in the simulator or on a GPU (make gpu).

They are compared with differences of what the kernel itself computes, and with forward mode of the
CPU in the dot-product test.
"""

from __future__ import annotations

import functools
import math
import os
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba_cuda")

from numba import cuda

from adcompile import AliasError, UnsupportedError, value_and_grad
from adcompile.cuda import adjoint, differentiable, vjp, zeros_like
from adcompile.frontend.kernel_forms import waits
from adcompile.frontend.kernels import kernel_form
from adcompile.testing import plain_jvp
from tests import cuda_patterns, cuda_shared, cuda_textbook, oracle
from tests.cuda_kernels import CASES, REFUSED, Case, X, Y, Z, in_place
from tests.cuda_meet import races
from tests.cuda_meet_generated import generated_races
from tests.cuda_races import watched

pytestmark = pytest.mark.filterwarnings("ignore::Warning:numba")
rng = np.random.default_rng(17)
form_of = functools.cache(kernel_form)
ALL = (*CASES, *cuda_shared.CASES, *cuda_textbook.CASES, *cuda_patterns.CASES)


def floats(args: tuple[Any, ...]) -> list[int]:
    return [k for k, a in enumerate(args) if np.asarray(a).dtype.kind == "f"]


def run(case: Case, args: Any) -> list[Any]:
    """The arrays after the kernel has run as plain Python."""
    form, axes = form_of(case.kernel)
    given = oracle.copies(args)
    form(*given, *counts(case, form, axes))
    return [a for a in given if np.ndim(a)]


def counts(case: Case, form: Any, axes: int) -> list[int]:
    """What the form of a kernel takes behind its arguments."""
    blocks, threads = (c if isinstance(c, tuple) else (c,) for c in case.config)
    if waits(form):
        return [*blocks[:axes], *threads[:axes]]
    return [b * t for b, t in zip(blocks, threads)][:axes]


OPTIMISE = (True, pytest.param(False, marks=pytest.mark.wide))


@pytest.mark.parametrize("optimise", OPTIMISE, ids=["optimised", "plain"])
@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_adjoints(case: Case, optimise: bool) -> None:
    backward = adjoint(case.kernel, optimise=optimise)
    wanted = floats(case.args)
    placed = [cuda.to_device(a) if np.ndim(a) else a for a in case.args]
    case.kernel[case.config](*[cuda.to_device(a) if np.ndim(a) else a for a in case.args])

    # Cotangents of all arrays, written or not: the adjoints of those that are only read begin so.
    cotangents = {k: rng.normal(size=np.shape(case.args[k]) or (1,)) for k in wanted}
    numbers = [k for k in wanted if not np.ndim(case.args[k])]
    adjoints = [cuda.to_device(cotangents[k]) for k in wanted]
    with watched() if os.environ.get("NUMBA_ENABLE_CUDASIM") == "1" else nullcontext():
        backward[case.config](*placed, *map(cuda.to_device, cotangents.values()))
    backward[case.config](*placed, *adjoints)
    grads = {k: a.copy_to_host() for k, a in zip(wanted, adjoints)}
    for k in numbers:
        grads[k] = grads[k] - cotangents[k]
    for before, after in zip(case.args, placed, strict=True):
        if np.ndim(before):
            np.testing.assert_array_equal(before, after.copy_to_host())

    # The same weights for what comes out; floats alone, in order.
    arrays = [k for k in range(len(case.args)) if np.ndim(case.args[k])]

    def loss(*args: Any) -> float:
        after = dict(zip(arrays, run(case, args)))
        return float(sum(np.sum(cotangents[k] * after[k]) for k in wanted if k in after))

    direction = oracle.random_direction(case.args, wanted, np.random.default_rng(3))
    estimate = oracle.directional(loss, case.args, direction)
    predicted = float(sum(np.sum(grads[k] * direction[k]) for k in wanted))
    assert estimate.reliable
    assert estimate.agrees(predicted), (estimate, predicted)

    form, axes = form_of(case.kernel)
    tangents = [direction[k] for k in wanted]
    given = (*oracle.copies(case.args), *counts(case, form, axes))
    _, out_tangent = plain_jvp(form, tuple(wanted))(given, tangents)
    written = [k for k in wanted if np.ndim(case.args[k]) and is_written(case, k)]
    found = out_tangent if isinstance(out_tangent, tuple) else (out_tangent,)
    forward = sum(np.sum(cotangents[k] * t) for k, t in zip(written, found, strict=True))
    forward += sum(
        np.sum(cotangents[k] * direction[k]) for k in wanted if k not in (*written, *numbers)
    )
    assert predicted == pytest.approx(float(forward), rel=1e-12, abs=1e-12)
    if optimise:
        said = backward.explain(*placed)
        assert case.said in said
        assert case.silent not in said


def is_written(case: Case, k: int) -> bool:
    after = dict(
        zip((k for k in range(len(case.args)) if np.ndim(case.args[k])), run(case, case.args))
    )
    return not np.array_equal(after[k], case.args[k])


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("kernel", "args", "text"),
    [*REFUSED, *cuda_shared.REFUSED, *cuda_textbook.REFUSED, *cuda_patterns.REFUSED],
    ids=lambda p: getattr(p, "__name__", ""),
)
def test_refusals(kernel: Any, args: Any, text: str) -> None:
    """At the user's line, before anything is run."""
    with pytest.raises(UnsupportedError, match=text) as found:
        adjoint(kernel).source(*args)
    assert found.value.loc is not None
    assert kernel.py_func.__code__.co_filename in str(found.value)


@pytest.mark.parametrize("case", cuda_patterns.CASES, ids=lambda case: case.name)
def test_threads_that_do_not_meet(case: Case) -> None:
    assert not races(case.kernel, case.args, case.config)


BLOCKS = [c for c in ALL if c.said == cuda_patterns.BLOCKS]


@pytest.mark.parametrize("case", BLOCKS, ids=lambda case: case.name)
def test_generated_threads_do_not_meet(case: Case) -> None:
    backward = adjoint(case.kernel)
    generated = backward.specialise(case.args).generated
    rest = (case.args, case.config, backward.axes, generated.constants)
    assert not generated_races(generated.text, *rest)
    # They would without barriers.
    assert generated_races(generated.text.replace("cuda.syncthreads()", "pass"), *rest)


@pytest.mark.parametrize(
    ("kernel", "args", "config", "text"),
    cuda_patterns.MEETING,
    ids=lambda p: getattr(p, "__name__", ""),
)
def test_threads_that_meet(kernel: Any, args: Any, config: Any, text: str) -> None:
    """What is refused is wrong: the neighbours of kernels that are not."""
    assert races(kernel, args, config)


def test_limits_of_blocks() -> None:
    """What the proof takes for granted is checked at each launch."""
    a, out = cuda_patterns.A, np.zeros((7, 6))
    adjoints = [cuda.to_device(np.zeros(m.shape)) for m in (a, out)]
    given = [cuda.to_device(m) for m in (a, out)]
    with pytest.raises(ValueError, match=r"more than 4 threads along x.*\n.*cuda_patterns.py"):
        adjoint(cuda_patterns.transpose)[(1, 2), (8, 4)](*given, *adjoints)
    with pytest.raises(ValueError, match="more threads along x than along y"):
        adjoint(cuda_patterns.transpose_square)[(2, 4), (4, 2)](*given, *adjoints)
    with pytest.raises(ValueError, match="more than 2 threads along y"):
        adjoint(cuda_patterns.transpose_rows)[(2, 2), (4, 4)](*given, *adjoints)


def test_calls() -> None:
    backward = adjoint(in_place)
    with pytest.raises(TypeError, match="takes the adjoints of x, y"):
        backward[3, 4](X, Y, X)
    with pytest.raises(ValueError, match="uses of the grid x; other axes must be 1"):
        backward[(3, 2), 4](X, Y, X, Y)
    with pytest.raises(ValueError, match="the adjoint of y has shape"):
        backward[3, 4](X, Y, X, Y[:3])
    with pytest.raises(TypeError, match="NumPy array"):
        backward[3, 4](X, Y, X, Y)
    there = [cuda.to_device(a) for a in (X, Y, X)]
    with pytest.raises(AliasError):
        backward[3, 4](*there, there[2])


def test_threads_along_other_axes() -> None:
    """They would all do the same."""
    backward = adjoint(cuda_textbook.strides_along_y)
    arrays = [cuda.to_device(a) for a in (X, np.zeros(1), np.zeros(11), np.ones(1))]
    with pytest.raises(ValueError, match="uses of the grid y; other axes must be 1"):
        backward[2, 4](*arrays)
    backward[(1, 2), (1, 3)](*arrays)
    np.testing.assert_allclose(arrays[2].copy_to_host(), 2.0 * X, rtol=1e-14)


@cuda.jit
def two_phases(x, mid, out):
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        mid[i] = math.sin(x[i])
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        out[i] = mid[x.size - 1 - i]


@cuda.jit
def reused_names(x, y):
    i = cuda.grid(1)
    if i < x.size:
        a = math.sin(x[i])
        for k in range(5):
            cuda.atomic.add(y, k, a * k)


def test_threads_do_not_wait_for_each_other() -> None:
    """Between two loops over the grid there is no barrier."""
    with pytest.raises(UnsupportedError, match="share elements of"):
        adjoint(two_phases).source(X, Z, Z)


@cuda.jit(device=True)
def count(out):
    out[0] += 1.0


@cuda.jit
def every_thread(x, out):
    count(out)
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        x[i] = x[i] * out[1]


def test_what_every_thread_does() -> None:
    """A function that a striding kernel calls before its loop runs in each thread."""
    with pytest.raises(UnsupportedError, match="share elements of out"):
        adjoint(every_thread).source(X, Z)


def test_loops_that_could_share_a_name() -> None:
    """The inner loop's subscript is not the thread's."""
    text = adjoint(reused_names, optimise=False).source(X, Y)
    assert "y_adj[k]" in text


def test_inner_loop_with_the_name_of_the_outer() -> None:
    def f(x: Any, y: Any) -> float:
        for i in range(x.size):
            a = math.sin(x[i])
            for i in range(5):
                y[i] += a * i
        return float(y[3] * y[4])

    args = (X, Y)
    derivative = value_and_grad(f, (0, 1), target="cuda", optimise=False)
    with watched() if os.environ.get("NUMBA_ENABLE_CUDASIM") == "1" else nullcontext():
        _, grads = derivative(*args)
    direction = oracle.random_direction(args, (0, 1), np.random.default_rng(5))
    assert oracle.directional(f, args, direction).agrees(oracle.dot(grads, (0, 1), direction))


# ---------------------------------------------------------------- several launches


def test_launches_of_blocks() -> None:
    """A kernel with shared memory among recorded launches; the sum of its squares by hand."""
    total = differentiable(cuda_shared.tree)
    scale = differentiable(in_place)
    x, y, zero = map(cuda.to_device, (X, Y, np.zeros(3)))

    def run(x: Any, y: Any, out: Any) -> Any:
        scale[3, 4](x, y)
        total[3, 4](x, out)
        return out

    out, pullback = vjp(run, x, y, zero)
    after = np.sin(X) * X + Y
    parts = np.zeros(12)
    parts[:11] = np.sin(after) * after
    sums = parts.reshape(3, 4).sum(axis=1)
    np.testing.assert_allclose(out.copy_to_host(), sums**2, rtol=1e-13)
    weights = np.array([0.3, -1.2, 0.7])
    x_adj, y_adj, _ = pullback(weights)
    seeds = np.repeat(2.0 * weights * sums, 4)[:11]
    expected = seeds * (np.cos(after) * after + np.sin(after))
    np.testing.assert_allclose(y_adj.copy_to_host(), expected, rtol=1e-12)
    expected = expected * (np.cos(X) * X + np.sin(X))
    np.testing.assert_allclose(x_adj.copy_to_host(), expected, rtol=1e-12)


@cuda.jit
def diffusion(u, c, w):
    i = cuda.grid(1)
    if 0 < i < u.size - 1:
        w[i] = u[i] + c[0] * (u[i + 1] - 2.0 * u[i] + u[i - 1]) * math.exp(-u[i])


@cuda.jit
def reaction(u, scale):
    i = cuda.grid(1)
    if i < u.size:
        u[i] = u[i] + scale * math.sin(u[i]) * u[i]


def simulate(diffuse: Any, react: Any, new: Any) -> Any:
    def run(u: Any, c: Any, scale: float) -> Any:
        for _ in range(3):
            w = new(u)
            diffuse[3, 4](u, c, w)
            react[3, 4](w, scale)
            diffuse[3, 4](w, c, u)
        return u, w

    return run


def test_several_launches() -> None:
    """Arrays are overwritten again and again, arguments among them."""
    run = simulate(differentiable(diffusion), differentiable(reaction), zeros_like)
    c = np.array([0.2])
    out, pullback = vjp(run, X, c, 0.3)
    seeds = [rng.normal(size=11) for _ in out]
    first = pullback(tuple(map(cuda.to_device, seeds)))
    again = pullback(tuple(map(cuda.to_device, seeds)))
    assert first[2] is None
    for one, other in zip(first[:2], again[:2]):  # atomics add in any order
        np.testing.assert_allclose(one.copy_to_host(), other.copy_to_host(), rtol=1e-12)

    class Plain:
        def __init__(self, kernel: Any) -> None:
            self.form, _ = kernel_form(kernel)

        def __getitem__(self, config: Any) -> Any:
            return lambda *args: self.form(*args, config[0] * config[1])

    plain = simulate(Plain(diffusion), Plain(reaction), np.zeros_like)
    for ours, theirs in zip(out, plain(X.copy(), c.copy(), 0.3)):
        np.testing.assert_allclose(ours.copy_to_host(), theirs, rtol=1e-14)

    def loss(u: Any, c: Any, scale: float) -> float:
        return float(sum(np.sum(s * r) for s, r in zip(seeds, plain(u, c, scale))))

    args = (X, c, 0.3)
    direction = oracle.random_direction(args, (0, 1), np.random.default_rng(5))
    estimate = oracle.directional(loss, args, direction)
    predicted = sum(float(np.sum(g.copy_to_host() * direction[k])) for k, g in enumerate(first[:2]))
    assert estimate.reliable
    assert estimate.agrees(predicted), (estimate, predicted)


def test_recorded_arrays() -> None:
    """Nothing but recorded launches can touch them."""
    step = differentiable(reaction)

    def reads(u: Any) -> Any:
        return u[0]

    def writes(u: Any) -> Any:
        u[0] = 1.0

    def others(u: Any) -> Any:
        step[3, 4](cuda.to_device(X), 0.1)
        return u

    def twice(u: Any) -> Any:
        d = differentiable(diffusion)
        d[3, 4](u, u, u)
        return u

    for f in (reads, writes, others):
        with pytest.raises(UnsupportedError):
            vjp(f, X)
    with pytest.raises(AliasError):
        vjp(twice, X)
    with pytest.raises(AliasError):
        there = cuda.to_device(X)
        vjp(lambda a, b: a, there, there)
    plain = cuda.to_device(X)
    step[3, 4](plain, 0.1)  # outside vjp: the kernel itself
    np.testing.assert_allclose(plain.copy_to_host(), X + 0.1 * np.sin(X) * X, rtol=1e-14)
