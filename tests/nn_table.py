"""Parts of networks, one per row: the formula of its gradient and what PyTorch calls it.

``c`` is what arrives at the output, an array of its shape.  Inputs: x, y, b4, g4 (4,), m (3, 4) and
n (3, 4) batches of rows, w (4, 2), v (2, 4), b (2,), logits and integer labels of the rows,
images t (2, 3, 5, 6), kernels k (4, 3, 2, 3) with kb (4,), g3 and b3 per channel, a table e (7, 4)
with indices i (5,).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Row:
    """``gradients``: expressions, by input, in the order of the parameters."""

    name: str
    expression: str
    gradients: dict[str, str]
    torch: str
    constants: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.gradients, *self.constants)


def inputs(seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    shapes = {"x": 4, "y": 4, "b4": 4, "g4": 4, "m": (3, 4), "n": (3, 4), "w": (4, 2), "v": (2, 4)}
    shapes |= {"b": 2, "t": (2, 3, 5, 6), "k": (4, 3, 2, 3), "kb": 4, "g3": 3, "b3": 3, "e": (7, 4)}
    found: dict[str, Any] = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    found["labels"], found["i"] = np.array([3, 0, 2]), np.array([6, 0, 2, 0, 5])
    found["targets"], found["signs"] = rng.uniform(size=4), np.array([1.0, -1.0, -1.0, 1.0])
    return found


def softmax(z: Any) -> Any:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def onehot(labels: Any, classes: int) -> Any:
    return np.eye(classes)[labels]


def normalised(x: Any, g: Any, axis: Any) -> Any:
    """dC/dx of z = (x - mean) / s, from g = dC/dz."""
    s = np.sqrt(x.var(axis=axis, keepdims=True) + 1e-5)
    z = (x - x.mean(axis=axis, keepdims=True)) / s
    mean, slope = g.mean(axis=axis, keepdims=True), (g * z).mean(axis=axis, keepdims=True)
    return (g - mean - z * slope) / s


def standard(x: Any, axis: Any) -> Any:
    mean, var = x.mean(axis=axis, keepdims=True), x.var(axis=axis, keepdims=True)
    return (x - mean) / np.sqrt(var + 1e-5)


def windows(t: Any, kh: int, kw: int, stride: int = 1) -> Any:
    """(n, rows, columns, c, kh, kw)"""
    every = np.lib.stride_tricks.sliding_window_view(t, (kh, kw), axis=(2, 3))
    return every[:, :, ::stride, ::stride].transpose(0, 2, 3, 1, 4, 5)


def unwound(shape: tuple[int, ...], c: Any, k: Any, stride: int = 1) -> Any:
    """dC/dx of a convolution: each output gives its window the kernel times what arrives."""
    x = np.zeros(shape)
    for i in range(c.shape[2]):
        for j in range(c.shape[3]):
            part = x[:, :, i * stride :, j * stride :][:, :, : k.shape[2], : k.shape[3]]
            part += np.einsum("no,ocpq->ncpq", c[:, :, i, j], k)
    return x


def spread(c: Any, like: Any, size: int) -> Any:
    """Each entry of ``c`` at all pixels of its window; zero beyond the last window."""
    wide = np.repeat(np.repeat(c, size, axis=2), size, axis=3)
    out = np.zeros(like.shape)
    out[:, :, : wide.shape[2], : wide.shape[3]] = wide
    return out


def scattered(shape: tuple[int, ...], indices: Any, c: Any) -> Any:
    out = np.zeros(shape)
    np.add.at(out, indices, c)
    return out


def hinge_slopes(s: Any, labels: Any) -> Any:
    rows = np.arange(len(labels))
    on = (s - s[rows, labels][:, None] + 1.0 >= 0.0).astype(float)
    on[rows, labels] = 0.0
    on[rows, labels] = -on.sum(axis=1)
    return on / len(labels)


_DENSE = {"m": "c @ w.T", "w": "m.T @ c", "b": "c.sum(axis=0)"}
_LAYER = "(c * (1 - np.tanh(v @ x + b) ** 2))"
_IMAGE = "None, :, None, None"

ROWS = [
    Row("add", "nn.add(x, y)", {"x": "c", "y": "c"}, "x + y"),
    Row("multiply", "nn.multiply(x, y)", {"x": "c * y", "y": "c * x"}, "x * y"),
    Row(
        "maximum",
        "nn.maximum(x, y)",
        {"x": "c * (x > y)", "y": "c * (x <= y)"},
        "torch.maximum(x, y)",
    ),
    Row("fork", "nn.fork(x)[0] * nn.fork(x)[1]", {"x": "2 * c * x"}, "x * x"),
    Row("linear", "nn.linear(v, m.T)", {"v": "c @ m", "m": "(v.T @ c).T"}, "v @ m.T"),
    Row("affine", "nn.affine(m, w, b)", _DENSE, "F.linear(m, w.T, b)"),
    Row(
        "neuron",
        "nn.neuron(x, b[1], y, nn.sigmoid)",
        {
            "x": "c * s1(x @ y + b[1]) * y",
            "b": "c * s1(x @ y + b[1]) * np.array([0.0, 1.0])",
            "y": "c * s1(x @ y + b[1]) * x",
        },
        "torch.sigmoid(x @ y + b[1])",
    ),
    Row(
        "layer",
        "nn.layer(v, b, x, nn.tanh)",
        {"v": f"np.outer({_LAYER}, x)", "b": _LAYER, "x": f"v.T @ {_LAYER}"},
        "torch.tanh(v @ x + b)",
    ),
    Row(
        "sequential",
        "nn.sequential(m, nn.tanh, nn.relu, nn.sigmoid)",
        {"m": "c * s1(np.maximum(np.tanh(m), 0)) * (m >= 0) * (1 - np.tanh(m) ** 2)"},
        "torch.nn.Sequential(torch.nn.Tanh(), torch.nn.ReLU(), torch.nn.Sigmoid())(m)",
    ),
    Row("relu", "nn.relu(m)", {"m": "c * (m >= 0)"}, "F.relu(m)"),
    Row("relu 0", "nn.relu(m, at_zero=0)", {"m": "c * (m > 0)"}, "F.relu(m)"),
    Row(
        "leaky relu",
        "nn.leaky_relu(m, 0.1)",
        {"m": "c * np.where(m < 0, 0.1, 1)"},
        "F.leaky_relu(m, 0.1)",
    ),
    Row("sigmoid", "nn.sigmoid(m)", {"m": "c * s1(m)"}, "torch.sigmoid(m)"),
    Row("tanh", "nn.tanh(m)", {"m": "c * (1 - np.tanh(m) ** 2)"}, "torch.tanh(m)"),
    Row("hard tanh", "nn.hard_tanh(m)", {"m": "c * (np.abs(m) < 1)"}, "F.hardtanh(m)"),
    Row("softplus", "nn.softplus(m)", {"m": "c * s(m)"}, "F.softplus(m)"),
    Row("log sigmoid", "nn.log_sigmoid(m)", {"m": "c * s(-m)"}, "F.logsigmoid(m)"),
    Row(
        "softmax",
        "nn.softmax(m)",
        {"m": "softmax(m) * (c - (softmax(m) * c).sum(axis=1, keepdims=True))"},
        "torch.softmax(m, 1)",
    ),
    Row(
        "log softmax",
        "nn.log_softmax(m)",
        {"m": "c - softmax(m) * c.sum(axis=1, keepdims=True)"},
        "torch.log_softmax(m, 1)",
    ),
    Row(
        "squared error",
        "nn.squared_error(x, y)",
        {"x": "c * 2 * (x - y)", "y": "c * 2 * (y - x)"},
        "F.mse_loss(x, y, reduction='sum')",
    ),
    Row(
        "mean squared error",
        "nn.mean_squared_error(m, n)",
        {"m": "c * (m - n) / 6", "n": "c * (n - m) / 6"},
        "F.mse_loss(m, n)",
    ),
    Row(
        "nll",
        "nn.nll(m, labels)",
        {"m": "-c * onehot(labels, 4) / 3"},
        "F.nll_loss(m, labels)",
        ("labels",),
    ),
    Row(
        "cross entropy",
        "nn.cross_entropy(m, labels)",
        {"m": "c * (softmax(m) - onehot(labels, 4)) / 3"},
        "F.cross_entropy(m, labels)",
        ("labels",),
    ),
    Row(
        "binary cross entropy",
        "nn.binary_cross_entropy(x, targets)",
        {"x": "c * (s(x) - targets) / 4"},
        "F.binary_cross_entropy_with_logits(x, targets)",
        ("targets",),
    ),
    Row(
        "hinge",
        "nn.hinge(m, labels)",
        {"m": "c * hinge_slopes(m, labels)"},
        "4 * F.multi_margin_loss(m, labels)",
        ("labels",),
    ),
    Row(
        "binary hinge",
        "nn.binary_hinge(x, signs)",
        {"x": "-c * signs * (signs * x <= 1) / 4"},
        "F.relu(1 - signs * x).mean()",
        ("signs",),
    ),
    Row("l1", "nn.l1(m)", {"m": "c * np.sign(m)"}, "m.abs().sum()"),
    Row("l2", "nn.l2(m)", {"m": "c * 2 * m"}, "(m * m).sum()"),
    Row("pad2d", "nn.pad2d(t, 2)", {"t": "c[:, :, 2:-2, 2:-2]"}, "F.pad(t, (2, 2, 2, 2))"),
    Row(
        "conv2d",
        "nn.conv2d(t, k, kb)",
        {
            "t": "unwound(t.shape, c, k)",
            "k": "np.einsum('noij,nijcpq->ocpq', c, windows(t, 2, 3))",
            "kb": "c.sum(axis=(0, 2, 3))",
        },
        "F.conv2d(t, k, kb)",
    ),
    Row(
        "conv2d stride 2",
        "nn.conv2d(t, k, kb, 2)",
        {
            "t": "unwound(t.shape, c, k, 2)",
            "k": "np.einsum('noij,nijcpq->ocpq', c, windows(t, 2, 3, 2))",
            "kb": "c.sum(axis=(0, 2, 3))",
        },
        "F.conv2d(t, k, kb, stride=2)",
    ),
    Row(
        "max pool",
        "nn.max_pool2d(t, 2)",
        {"t": "spread(c, t, 2) * (t == spread(nn.max_pool2d(t, 2), t, 2))"},
        "F.max_pool2d(t, 2)",
    ),
    Row("mean pool", "nn.mean_pool2d(t, 2)", {"t": "spread(c, t, 2) / 4"}, "F.avg_pool2d(t, 2)"),
    Row(
        "batch norm",
        "nn.batch_norm(m, g4, b4)",
        {
            "m": "normalised(m, g4 * c, 0)",
            "g4": "(c * standard(m, 0)).sum(axis=0)",
            "b4": "c.sum(axis=0)",
        },
        "F.batch_norm(m, None, None, g4, b4, training=True)",
    ),
    Row(
        "batch norm of images",
        "nn.batch_norm2d(t, g3, b3)",
        {
            "t": f"normalised(t, g3[{_IMAGE}] * c, (0, 2, 3))",
            "g3": "(c * standard(t, (0, 2, 3))).sum(axis=(0, 2, 3))",
            "b3": "c.sum(axis=(0, 2, 3))",
        },
        "F.batch_norm(t, None, None, g3, b3, training=True)",
    ),
    Row(
        "batch norm at test",
        "nn.batch_norm_at_test(m, x, y ** 2, g4, b4)",
        {"m": "c * g4 / np.sqrt(y**2 + 1e-5)", "b4": "c.sum(axis=0)"},
        "F.batch_norm(m, x, y**2, g4, b4)",
        ("x", "y", "g4"),
    ),
    Row(
        "layer norm",
        "nn.layer_norm(m, g4, b4)",
        {
            "m": "normalised(m, g4 * c, 1)",
            "g4": "(c * standard(m, 1)).sum(axis=0)",
            "b4": "c.sum(axis=0)",
        },
        "F.layer_norm(m, (4,), g4, b4)",
    ),
    Row(
        "embedding",
        "nn.embedding(e, i)",
        {"e": "scattered(e.shape, i, c)"},
        "F.embedding(i, e)",
        ("i",),
    ),
]
