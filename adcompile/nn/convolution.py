"""Convolution and pooling of images (n, channels, height, width)."""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from adcompile.nn.gates import Array


@register_jitable
def pad2d(x: Array, border: int) -> Array:
    """Zeros around each image.  What arrives at the border is lost, the rest goes through."""
    n, c, h, w = x.shape
    wide = np.zeros((n, c, h + 2 * border, w + 2 * border), x.dtype)
    for image in range(n):
        for channel in range(c):
            for i in range(h):
                for j in range(w):
                    wide[image, channel, i + border, j + border] = x[image, channel, i, j]
    return wide


@register_jitable
def patches2d(x: Array, height: int, width: int, stride: int = 1) -> Array:
    """All windows as rows: (n * rows * columns, channels * height * width).

    An element of the image is in many windows: its gradient is the sum of theirs.
    """
    n, c, h, w = x.shape
    rows, columns = (h - height) // stride + 1, (w - width) // stride + 1
    out = np.empty((n * rows * columns, c * height * width), x.dtype)
    for image in range(n):
        for i in range(rows):
            for j in range(columns):
                for channel in range(c):
                    for p in range(height):
                        for q in range(width):
                            out[
                                (image * rows + i) * columns + j, (channel * height + p) * width + q
                            ] = x[image, channel, i * stride + p, j * stride + q]
    return out


@register_jitable
def conv2d(x: Array, w: Array, b: Array, stride: int = 1) -> Array:
    """out[n,o,i,j] = b[o] + sum_{c,p,q} w[o,c,p,q] x[n,c,i s+p,j s+q] with the stride s:
    ``x`` (n, c, h, w), ``w`` (o, c, kh, kw), ``b`` (o,).  For a border of zeros, see ``pad2d``.

    A linear gate Y = P W^T + b on the windows P: dC/dW = dC/dY^T P, dC/dP = dC/dY W, and a pixel
    gets the sum of what its windows get.
    """
    n, _, height, width = x.shape
    o, c, kh, kw = w.shape
    rows, columns = (height - kh) // stride + 1, (width - kw) // stride + 1
    flat = patches2d(x, kh, kw, stride) @ w.reshape(o, c * kh * kw).T + b
    return np.transpose(flat.reshape(n, rows, columns, o), (0, 3, 1, 2))


@register_jitable
def max_pool2d(x: Array, size: int = 2) -> Array:
    """The largest of each ``size`` by ``size`` window, without overlap; rows and columns left over
    are dropped.  Routes what arrives to the first of the largest."""
    n, c, h, w = x.shape
    rows, columns = h // size, w // size
    out = np.empty((n, c, rows, columns), x.dtype)
    for image in range(n):
        for channel in range(c):
            for i in range(rows):
                for j in range(columns):
                    window = x[image, channel, i * size : (i + 1) * size, j * size : (j + 1) * size]
                    out[image, channel, i, j] = np.max(window)
    return out


@register_jitable
def mean_pool2d(x: Array, size: int = 2) -> Array:
    """The mean of each ``size`` by ``size`` window, without overlap; rows and columns left over are
    dropped.  Each pixel gets 1 / size^2 of what arrives."""
    n, c, h, w = x.shape
    rows, columns = h // size, w // size
    out = np.zeros((n, c, rows, columns), x.dtype)
    share = 1.0 / (size * size)
    for image in range(n):
        for channel in range(c):
            for i in range(rows * size):
                for j in range(columns * size):
                    out[image, channel, i // size, j // size] += share * x[image, channel, i, j]
    return out
