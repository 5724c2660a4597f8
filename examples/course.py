"""The worked examples of a course on back-propagation.

Each prints the function, the adjoint that adcompile writes for it, the graph that the tape engine
records (DOT, for Graphviz), and how far the gradient is off those by hand and by differences.

    python examples/course.py            # all
    python examples/course.py neuron     # those with this word in their names
"""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from adcompile import grad, jacobian, nn, tape, value_and_grad
from adcompile.training import numerical_gradient

rng = np.random.default_rng(0)
WEIGHTS = np.array([0.7, -1.2, 0.4])


@dataclass(frozen=True)
class Example:
    """``by_hand(*args)``: the gradients that the course derives, one per argument."""

    name: str
    says: str
    f: Callable[..., Any]
    args: tuple[Any, ...]
    by_hand: Callable[..., tuple[Any, ...]]


# ---------------------------------------------------------------- derivatives and gates


def polynomial(x: float) -> Any:
    return 3.0 * x**2 + 4.0 * x


def product(x: float, y: float) -> Any:
    return nn.multiply(x, y)


def total(x: float, y: float) -> Any:
    return nn.add(x, y)


def larger(x: float, y: float) -> Any:
    return nn.maximum(x, y)


def weighted(w1: float, x1: float, w2: float, x2: float) -> Any:
    a = w1 * x1
    b = w2 * x2
    return a + b


def graph(x: float, y: float, z: float) -> Any:
    q = x + y
    return q * z


def exercise(x: float, y: float) -> Any:
    return (x + nn.sigmoid(y)) / (nn.sigmoid(x) + (x + y) ** 2)


def exercise_by_hand(x: float, y: float) -> tuple[float, float]:
    """Forward in steps, backward through the same steps in reverse."""
    s_y, s_x = 1 / (1 + np.exp(-y)), 1 / (1 + np.exp(-x))
    above, below = x + s_y, s_x + (x + y) ** 2
    d_above, d_below = 1 / below, -above / below**2
    d_square = 2 * (x + y) * d_below
    return d_above + s_x * (1 - s_x) * d_below + d_square, s_y * (1 - s_y) * d_above + d_square


# ---------------------------------------------------------------- neurons, layers, networks


def sigmoid_neuron(w: Any, x: Any) -> Any:
    """The last weight is the bias."""
    return nn.neuron(w[:2], w[2], x, nn.sigmoid)


def sigmoid_neuron_by_hand(w: Any, x: Any) -> tuple[Any, Any]:
    s = 1 / (1 + np.exp(-(w[0] * x[0] + w[1] * x[1] + w[2])))
    return s * (1 - s) * np.array([x[0], x[1], 1.0]), s * (1 - s) * w[:2]


def layer_of_32(w: Any, b: Any, x: Any, c: Any) -> Any:
    """32 neurons; ``c`` is what arrives from behind."""
    return np.sum(c * nn.layer(w, b, x, nn.tanh))


def layer_by_hand(w: Any, b: Any, x: Any, c: Any) -> tuple[Any, ...]:
    out = np.tanh(w @ x + b)
    d = c * (1 - out**2)
    return np.outer(d, x), d, w.T @ d, out


def five_layers(weights: Any, x: Any) -> Any:
    w1, w2, w3, w4, w5 = weights
    h = nn.relu(nn.linear(w1, x))
    h = nn.relu(nn.linear(w2, h))
    h = nn.relu(nn.linear(w3, h))
    h = nn.relu(nn.linear(w4, h))
    return nn.l2(nn.linear(w5, h))


def five_layers_by_hand(weights: Any, x: Any) -> tuple[Any, Any]:
    inputs, sums = [x], []
    for w in weights:
        sums.append(w @ inputs[-1])
        inputs.append(np.maximum(sums[-1], 0.0))
    d, slopes = 2 * sums[-1], []
    for w, h, below in zip(weights[::-1], inputs[-2::-1], [*sums[-2::-1], x * 0 + 1]):
        slopes.append(np.outer(d, h))
        d = (w.T @ d) * (below >= 0)
    return tuple(slopes[::-1]), d


def two_layers(x: Any, w1: Any, w2: Any) -> Any:
    """X W1 -> relu -> W2 -> sum of squares; samples in rows."""
    hidden = nn.relu(x @ w1)
    return nn.l2(hidden @ w2)


def two_layers_by_hand(x: Any, w1: Any, w2: Any) -> tuple[Any, Any, Any]:
    below = x @ w1
    hidden = np.maximum(below, 0.0)
    d_out = 2 * (hidden @ w2)
    d_below = (d_out @ w2.T) * (below >= 0)
    return d_below @ w1.T, x.T @ d_below, hidden.T @ d_out


def inner(w: Any) -> Any:
    """G: three weights, two outputs."""
    return np.array([w[0] * w[1], np.sin(w[1]) + w[2] ** 2])


def outer(g: Any) -> Any:
    """C: two inputs, the cost."""
    return g[0] ** 2 * np.exp(g[1])


def cost(w: Any) -> Any:
    return outer(inner(w))


def cost_by_hand(w: Any) -> tuple[Any]:
    g = inner(w)
    at_g = np.array([2.0 * g[0], g[0] ** 2]) * np.exp(g[1])
    jacobian_of_g = np.array([[w[1], w[0], 0.0], [0.0, np.cos(w[1]), 2.0 * w[2]]])
    return (jacobian_of_g.T @ at_g,)


EXAMPLES = [
    Example("polynomial", "f' = 6 x + 4 is 16 at 2", polynomial, (2.0,), lambda x: (6 * x + 4,)),
    Example(
        "product",
        "a multiply gate switches: raise x by h, and x y changes by y h = -3 h",
        product,
        (4.0, -3.0),
        lambda x, y: (y, x),
    ),
    Example("sum", "an add gate hands on to both", total, (4.0, -3.0), lambda x, y: (1.0, 1.0)),
    Example(
        "maximum",
        "a max gate routes to the larger; the other may move a little, and nothing changes",
        larger,
        (4.0, -3.0),
        lambda x, y: (1.0, 0.0),
    ),
    Example(
        "weighted sum",
        "a = w1 x1, b = w2 x2, y = a + b: each weight gets its input, each input its weight",
        weighted,
        (0.5, -2.0, 3.0, 1.5),
        lambda w1, x1, w2, x2: (x1, w1, x2, w2),
    ),
    Example(
        "graph (x + y) z",
        "through q = x + y the chain rule gives x and y the same",
        graph,
        (-2.0, 5.0, -4.0),
        lambda x, y, z: (z, z, x + y),
    ),
    Example(
        "exercise (x + s(y)) / (s(x) + (x + y)^2)",
        "x and y are used more than once: their gradients add",
        exercise,
        (3.0, -4.0),
        exercise_by_hand,
    ),
    Example(
        "sigmoid neuron",
        "s(w . x + b): s (1 - s) times the inputs",
        sigmoid_neuron,
        (np.array([2.0, -3.0, -3.0]), np.array([-1.0, -2.0])),
        sigmoid_neuron_by_hand,
    ),
    Example(
        "layer of 32 neurons",
        "32 neurons see the same 8 inputs: dC/dW = d x^T, dC/dx = W^T d",
        layer_of_32,
        (
            0.3 * rng.normal(size=(32, 8)),
            rng.normal(size=32),
            rng.normal(size=8),
            rng.normal(size=32),
        ),
        layer_by_hand,
    ),
    Example(
        "five-layer network",
        "the same step five times over, from the last layer to the first",
        five_layers,
        (
            tuple(
                rng.normal(scale=0.5, size=shape)
                for shape in [(7, 4), (6, 7), (6, 6), (5, 6), (3, 5)]
            ),
            rng.normal(size=4),
        ),
        five_layers_by_hand,
    ),
    Example(
        "two-layer network",
        "dimensions decide: the only product of the right shape is the right one",
        two_layers,
        (rng.normal(size=(6, 4)), rng.normal(size=(4, 5)), rng.normal(size=(5, 2))),
        two_layers_by_hand,
    ),
    Example(
        "cost graph C(G(w))",
        "dC/dw = J_G^T dC/dG, with the Jacobian J_G (outputs, weights)",
        cost,
        (WEIGHTS,),
        cost_by_hand,
    ),
]


# ---------------------------------------------------------------- what is printed


def draw(f: Callable[..., Any], args: tuple[Any, ...]) -> str:
    """The graph that the tape engine records, in the language of Graphviz."""
    return str(tape.value_and_grad(f, argnums=tuple(range(len(args)))).dot(*args))


def flat(tree: Any) -> list[Any]:
    if isinstance(tree, tuple):
        return [leaf for part in tree for leaf in flat(part)]
    return [np.asarray(tree)]


def difference(ours: Any, theirs: Any) -> Any:
    pairs = zip(flat(ours), flat(theirs), strict=True)
    return max(float(np.max(np.abs(a - b) / np.maximum(1.0, np.abs(b)))) for a, b in pairs)


def as_arrays(args: Any) -> Any:
    """Numbers as arrays of rank 0, which differences can move."""
    return tuple(as_arrays(a) if isinstance(a, tuple) else np.array(a) for a in args)


def by_differences(f: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    return numerical_gradient(lambda moved: float(f(*moved)), as_arrays(args))


def show(example: Example) -> None:
    print(f"\n{'=' * 8} {example.name}: {example.says}\n")
    print(inspect.getsource(example.f))
    derivative = value_and_grad(example.f, argnums=tuple(range(len(example.args))))
    value, slopes = derivative(*example.args)
    print(derivative.fused_source or derivative.adjoint_source)
    print(draw(example.f, example.args))
    print(f"value {float(value):.6g}")
    for name, slope in zip(inspect.signature(example.f).parameters, slopes):
        if not isinstance(slope, tuple) and np.size(slope) <= 3:
            print(f"dC/d{name} = {np.array2string(np.asarray(slope), precision=6)}")
    print(f"off the one by hand by  {difference(slopes, example.by_hand(*example.args)):.1e}")
    print(
        f"off the differences by  {difference(slopes, by_differences(example.f, example.args)):.1e}"
    )


# ---------------------------------------------------------------- C(G(w)) and its Jacobians


def cost_graph() -> Any:
    """dC/dw = J_G^T dC/dG: the product of Jacobians, against the gradient of the whole."""
    at_g, at_w = grad(outer)(inner(WEIGHTS)), jacobian(inner)(WEIGHTS)
    whole = grad(cost)(WEIGHTS)
    print("\n======== cost graph C(G(w)) by its Jacobians\n")
    print(f"J_G = {np.array2string(at_w, precision=4, prefix='J_G = ')}")
    print(f"dC/dG = {np.array2string(at_g, precision=4)}")
    print(f"J_G^T dC/dG = {at_w.T @ at_g}\ndC/dw       = {whole}")
    return difference(at_w.T @ at_g, whole)


# ---------------------------------------------------------------- vectorised against loops


def in_loops(w: Any, x: Any) -> Any:
    """One neuron, one sample after the other."""
    result = 0.0
    for sample in range(x.shape[0]):
        for neuron in range(w.shape[1]):
            s = 0.0
            for k in range(x.shape[1]):
                s += x[sample, k] * w[k, neuron]
            result += np.tanh(s) ** 2
    return result


def vectorised(w: Any, x: Any) -> Any:
    """All samples and neurons at once."""
    return np.sum(np.tanh(x @ w) ** 2)


def loops_against_arrays() -> None:
    w, x = rng.normal(size=(200, 50)), rng.normal(size=(300, 200))
    print("\n======== vectorised against loop form, 300 samples, 200 inputs, 50 neurons\n")
    rows: list[tuple[str, Callable[..., Any]]] = [
        ("NumPy, vectorised", vectorised),
        ("Numba, loops", njit(in_loops)),
        ("gradient, loops", grad(in_loops)),
        ("gradient, vectorised", grad(vectorised)),
    ]
    found = {}
    for name, call in rows:
        found[name] = call(w, x)
        start = time.perf_counter()
        for _ in range(10):
            call(w, x)
        print(f"{name:24}{1e2 * (time.perf_counter() - start):10.3f} ms")
    start = time.perf_counter()
    in_loops(w[:, :5], x[:30])
    print(f"{'Python, loops':24}{1e5 * (time.perf_counter() - start):10.1f} ms, from 1 % of it")
    apart = difference(found["gradient, loops"], found["gradient, vectorised"])
    print(f"the two gradients differ by {apart:.1e}")


def main(words: Sequence[str]) -> None:
    for example in EXAMPLES:
        if not words or any(word in example.name for word in words):
            show(example)
    if not words:
        print(f"they differ by {cost_graph():.1e}")
        loops_against_arrays()


if __name__ == "__main__":
    main(sys.argv[1:])
