"""A convolution layer: 16 images of 3 x 32 x 32, kernels of 3 x 3 into 16 channels, bias, relu,
mean of squares; gradient in kernels, bias and images."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numba import njit

from benchmarks.arrays.contestants import REASSOCIATE, lineup
from benchmarks.arrays.workload import Inputs, Workload

ALL = (0, 1, 2)


def layer(kernels: Any, bias: Any, images: Any) -> Any:
    count, rows, columns = images.shape[0], images.shape[2] - 2, images.shape[3] - 2
    out = np.zeros((count, bias.size, rows, columns), images.dtype) + bias[:, None, None]
    for i in range(3):
        for j in range(3):
            part = images[:, :, i : i + rows, j : j + columns]
            out = out + np.einsum("oc,nchw->nohw", kernels[:, :, i, j], part)
    return np.mean(np.maximum(out, 0.0) ** 2)


def layer_in_loops(kernels: Any, bias: Any, images: Any) -> Any:
    count, channels, height, width = images.shape
    total = 0.0
    for n in range(count):
        for o in range(bias.shape[0]):
            for p in range(height - 2):
                for q in range(width - 2):
                    out = bias[o]
                    for c in range(channels):
                        for i in range(3):
                            for j in range(3):
                                out += kernels[o, c, i, j] * images[n, c, p + i, q + j]
                    total += max(out, 0.0) ** 2
    return total / (count * bias.shape[0] * (height - 2) * (width - 2))


@njit(error_model="numpy", fastmath=REASSOCIATE)
def through_relu(out: Any, bias: Any, bias_adj: Any, scale: float, rows: int, width: int) -> float:
    """The sum of squares; ``out`` becomes its adjoint, 0 in the two columns that wrap around."""
    total = 0.0
    factor = out.dtype.type(scale)
    zero = out.dtype.type(0.0)
    for o in range(out.shape[0]):
        share = 0.0
        for p in range(rows):
            start = p * width
            for q in range(start, start + width - 2):
                value = max(out[o, q] + bias[o], zero)
                total += value * value
                value *= factor
                share += value
                out[o, q] = value
            out[o, start + width - 2] = zero
            out[o, start + width - 1] = zero
        bias_adj[o] += share
    return total


@njit(error_model="numpy", fastmath=REASSOCIATE)
def add_shifted(image: Any, parts: Any, width: int) -> None:
    size = parts.shape[1]
    for c in range(image.shape[0]):
        for k in range(9):
            shift = k // 3 * width + k % 3
            for q in range(min(size, image.shape[1] - shift)):
                image[c, q + shift] += parts[9 * c + k, q]


@njit(error_model="numpy")
def by_hand(kernels: Any, bias: Any, images: Any) -> Any:
    """An image is one long vector here, rows running on into the next; so a shift by a row and a
    column is one slice, and the convolution of an image one matrix product."""
    count, channels, height, width = images.shape
    outputs, rows = bias.shape[0], height - 2
    size = rows * width
    matrix = kernels.reshape((outputs, channels * 9))
    flat = images.reshape((count, channels, height * width))
    images_adj = np.zeros_like(flat)
    matrix_adj, bias_adj = np.zeros_like(matrix), np.zeros_like(bias)
    part = np.empty_like(matrix)
    parts = np.zeros((channels * 9, size), images.dtype)
    parts_adj = np.empty_like(parts)
    out = np.empty((outputs, size), images.dtype)
    elements = count * outputs * rows * (width - 2)
    total = 0.0
    for n in range(count):
        for c in range(channels):
            for k in range(9):
                shift = k // 3 * width + k % 3
                held = min(size, height * width - shift)
                parts[9 * c + k, :held] = flat[n, c, shift : shift + held]
        np.dot(matrix, parts, out)
        total += through_relu(out, bias, bias_adj, 2.0 / elements, rows, width)
        np.dot(out, parts.T, part)
        matrix_adj += part
        np.dot(matrix.T, out, parts_adj)
        add_shifted(images_adj[n], parts_adj, width)
    gradients = (matrix_adj.reshape(kernels.shape), bias_adj, images_adj.reshape(images.shape))
    return total / elements, gradients


@njit(error_model="numpy")
def copy_shifted(parts: Any, image: Any, rows: int, columns: int) -> None:
    for c in range(image.shape[0]):
        for k in range(9):
            for p in range(rows):
                for q in range(columns):
                    parts[9 * c + k, p * columns + q] = image[c, p + k // 3, q + k % 3]


@njit(error_model="numpy", fastmath=REASSOCIATE)
def add_parts(image: Any, parts: Any, rows: int, columns: int) -> None:
    for c in range(image.shape[0]):
        for k in range(9):
            for p in range(rows):
                for q in range(columns):
                    image[c, p + k // 3, q + k % 3] += parts[9 * c + k, p * columns + q]


@njit(error_model="numpy", fastmath=REASSOCIATE)
def by_hand_in_lines(kernels: Any, bias: Any, images: Any) -> Any:
    """The shifted parts of an image line by line, so that nothing wraps around; they are copied
    again for the gradient of the kernels, and the result of all images is kept."""
    count, channels, height, width = images.shape
    outputs, rows, columns = bias.shape[0], height - 2, width - 2
    matrix = kernels.reshape((outputs, channels * 9))
    images_adj = np.zeros_like(images)
    matrix_adj, bias_adj = np.zeros_like(matrix), np.zeros_like(bias)
    part = np.empty_like(matrix)
    parts = np.empty((channels * 9, rows * columns), images.dtype)
    out = np.empty((count, outputs, rows * columns), images.dtype)
    elements = count * outputs * rows * columns
    factor, zero = images.dtype.type(2.0 / elements), images.dtype.type(0.0)
    total = 0.0
    for n in range(count):
        copy_shifted(parts, images[n], rows, columns)
        np.dot(matrix, parts, out[n])
        for o in range(outputs):
            share = 0.0
            for q in range(rows * columns):
                value = max(out[n, o, q] + bias[o], zero)
                total += value * value
                out[n, o, q] = value * factor
                share += value * factor
            bias_adj[o] += share
    for n in range(count):
        copy_shifted(parts, images[n], rows, columns)
        np.dot(out[n], parts.T, part)
        matrix_adj += part
    for n in range(count):
        np.dot(matrix.T, out[n], parts)
        add_parts(images_adj[n], parts, rows, columns)
    return total / elements, (matrix_adj.reshape(kernels.shape), bias_adj, images_adj)


def best_jax(jax: Any) -> Any:
    def layer(kernels: Any, bias: Any, images: Any) -> Any:
        out = jax.lax.conv(images, kernels, (1, 1), "VALID") + bias[:, None, None]
        return jax.numpy.mean(jax.nn.relu(out) ** 2)

    return jax.value_and_grad(layer, argnums=ALL)


def in_torch(torch: Any) -> Any:
    def layer(kernels: Any, bias: Any, images: Any) -> Any:
        out = torch.nn.functional.conv2d(images, kernels, bias)
        return torch.mean(torch.relu(out) ** 2)

    return layer


def inputs(dtype: Any) -> Inputs:
    rng = np.random.default_rng(0)
    shapes = ((16, 3, 3, 3), (16,), (16, 3, 32, 32))
    return tuple(rng.normal(size=shape).astype(dtype) for shape in shapes)


WORKLOAD = Workload(
    title="Convolution layer",
    cases={"float64": partial(inputs, np.float64), "float32": partial(inputs, np.float32)},
    quick=("float64", "float32"),
    contestants=lineup(
        layer,
        ALL,
        hands={"": by_hand, ", in lines": by_hand_in_lines},
        others={", in loops": layer_in_loops},
        jax=best_jax,
        torch=in_torch,
        numba_f=layer_in_loops,
    ),
    rtol={"float64": 1e-11, "float32": 2e-5},
)
