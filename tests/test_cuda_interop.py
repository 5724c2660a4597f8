"""Arrays of other libraries, and products by cuBLAS, as far as the simulator goes: its device's
memory is the host's."""

from __future__ import annotations

import importlib.util
import math
import os
import sys
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba_cuda")

from numba import cuda

from adcompile import AdcompileError, UnsupportedError, grad, value_and_grad
from adcompile.cuda import adjoint, arrays, library, package
from adcompile.testing import plain_value_and_grad
from tests.cuda_kernels import in_place
from tests.cuda_programs import CASES

pytestmark = [
    pytest.mark.filterwarnings("ignore::Warning:numba"),
    pytest.mark.skipif(os.environ.get("NUMBA_ENABLE_CUDASIM") == "0", reason="on a device"),
]
rng = np.random.default_rng(29)


class Tensor:
    """What PyTorch's tensors show of themselves: a dtype of their own, no ``strides``."""

    def __init__(self, array: Any) -> None:
        self.array, self.dtype = array, "tensor.float64"
        self.shape, self.ndim = array.shape, array.ndim

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {**self.array.__array_interface__, "version": 3}


def weighed(a: Any, x: Any, r: float) -> float:
    total = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            total += math.sin(r * a[i, j]) * x[j] ** 2
    return total


def test_no_copies() -> None:
    a, x = np.asfortranarray(rng.normal(size=(3, 4))), rng.normal(size=8)[::2]
    for one in (a, x):
        there = arrays.as_device_array(Tensor(one))
        assert np.shares_memory(there._ary, one)
        assert there.strides == one.strides
    derivative = grad(weighed, (0, 1, 2), target="cuda")
    a_adj, x_adj, r_adj = derivative(Tensor(a), Tensor(x), Tensor(np.array(0.7)))
    _, expected = plain_value_and_grad(weighed, (0, 1, 2))(a, np.array(x), 0.7)
    assert hasattr(a_adj, "copy_to_host")
    for ours, theirs in zip((a_adj.copy_to_host(), x_adj.copy_to_host(), r_adj), expected):
        np.testing.assert_allclose(ours, theirs, rtol=1e-13)
    assert derivative.source(Tensor(a), Tensor(x), 0.7) == derivative.source(a, x, 0.7)


def test_kernels() -> None:
    """The adjoints of a kernel are added to where they are."""
    x, y = rng.normal(size=11), rng.normal(size=11)
    x_adj, y_adj = rng.normal(size=11), rng.normal(size=11)
    expected = [cuda.to_device(v) for v in (x_adj, y_adj)]
    adjoint(in_place)[3, 4](cuda.to_device(x), cuda.to_device(y), *expected)
    adjoint(in_place)[3, 4](*map(Tensor, (x, y, x_adj, y_adj)))
    for ours, theirs in zip((x_adj, y_adj), expected):
        np.testing.assert_array_equal(ours, theirs.copy_to_host())


class Capsule:
    """DLPack alone."""

    def __init__(self, device: int) -> None:
        self.device = device

    def __dlpack__(self, **_: Any) -> Any:
        raise AssertionError

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device, 0


def test_dlpack(monkeypatch: pytest.MonkeyPatch) -> None:
    x = rng.normal(size=4)
    with pytest.raises(UnsupportedError, match="Move it to the GPU"):
        arrays.as_device_array(Capsule(1))
    with pytest.raises(UnsupportedError, match="Install CuPy"):
        arrays.as_device_array(Capsule(2))
    fake = SimpleNamespace(from_dlpack=lambda _: Tensor(x))
    monkeypatch.setattr(arrays, "cupy", lambda: fake)
    monkeypatch.setattr(cuda, "as_cuda_array", arrays._simulated, raising=False)
    assert np.shares_memory(arrays.as_device_array(Capsule(2))._ary, x)


def test_products_by_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """``gemm`` as CuPy documents it: out = alpha op(a) op(b) + beta out."""
    seen: list[tuple[str, str, float]] = []

    def gemm(transa: str, transb: str, a: Any, b: Any, out: Any, alpha: float, beta: float) -> None:
        assert a.dtype == b.dtype == out.dtype
        seen.append((transa, transb, beta))
        left, right = (m.T if t == "T" else m for m, t in ((a, transa), (b, transb)))
        with np.errstate(invalid="ignore"):
            out[...] = alpha * (left @ right) + (beta * out if beta else 0.0)

    fake = SimpleNamespace(asarray=lambda x: x._ary)
    monkeypatch.setattr(library, "cupy", lambda: fake)
    monkeypatch.setitem(sys.modules, "cupy.cublas", SimpleNamespace(gemm=gemm))
    case = next(c for c in CASES if c.name == "products")
    value, grads = value_and_grad(case.program, case.argnums, target="cuda")(*case.args)
    expected, others = plain_value_and_grad(case.program, case.argnums)(*case.args)
    assert value == pytest.approx(expected, rel=1e-12)
    for ours, theirs in zip(grads, others, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-12)
    assert {("N", "N", 0.0), ("N", "T", 0.0), ("T", "N", 0.0)} <= set(seen)
    assert 1.0 in {beta for _, _, beta in seen}

    count = len(seen)
    a, b = (cuda.to_device(rng.normal(size=(2, 2)).astype(t)) for t in (np.float32, np.float64))
    assert not library.multiply(b, a, b, False, False, False)  # of two types: our kernel
    assert len(seen) == count


def load_package() -> None:
    spec = importlib.util.spec_from_file_location("another_package", package.__file__)
    assert spec is not None and spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


def test_the_package_is_a_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADCOMPILE_CUDA_PACKAGE", "another")
    with pytest.raises(AdcompileError, match="another: numba and numba_cuda_mlir are known"):
        load_package()
    monkeypatch.setenv("ADCOMPILE_CUDA_PACKAGE", package.SUCCESSOR)
    monkeypatch.setitem(sys.modules, "numba_cuda_mlir.cuda", None)
    with pytest.raises(AdcompileError, match=r"needs numba-cuda-mlir\[cu13\]"):
        load_package()


def test_kernels_of_the_successor() -> None:
    """They are read alike."""

    def kernel(x: Any, out: Any) -> None:
        i = cuda.grid(1)
        if i < x.size:
            out[i] = math.sin(x[i])

    space = {"cuda": ModuleType("numba_cuda_mlir.cuda"), "math": math}
    x = rng.normal(size=5)
    text = adjoint(FunctionType(kernel.__code__, space, "kernel")).source(x, x)
    assert "for i in range(cuda.grid(1), count, cuda.gridsize(1)):" in text
