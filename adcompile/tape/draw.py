"""The graph of a calculation, drawn: values in the nodes, gradients on the edges."""

from __future__ import annotations

import html
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from adcompile.errors import AdcompileError
from adcompile.tape.node import Node, ancestors, backward
from adcompile.tape.variable import Var

_MOST = 2000  # nodes in a drawing
_WIDE, _HIGH, _BOX = 130, 90, (96, 38)


@dataclass(frozen=True)
class Edge:
    parent: Node
    node: Node
    gradient: str


def dot(output: Any, seed: Any = 1.0) -> str:
    """The graph behind a number or array in the language of Graphviz.

    An edge bears the gradient that its lower node sends to the upper one; where several leave a
    node's upper end, that node's gradient is their sum.
    """
    nodes, edges = _swept(output, seed)
    lines = ["digraph tape {", "  node [shape=box, fontname=monospace];"]
    for node in nodes:
        label = rf"{node.name}\n{_short(node.value)}".replace('"', "'")
        style = ', style=filled, fillcolor="#e8f0fe"' if node.pull is None else ""
        lines.append(f'  n{node.number} [label="{label}"{style}];')
    lines += [f'  n{e.parent.number} -> n{e.node.number} [label="{e.gradient}"];' for e in edges]
    return "\n".join([*lines, "}"])


def svg(output: Any, seed: Any = 1.0) -> str:
    """The same drawing as an SVG image, from the inputs at the top to the output."""
    nodes, edges = _swept(output, seed)
    rows: dict[int, list[Node]] = defaultdict(list)
    row_of: dict[Node, int] = {}
    for node in nodes:
        above = [row_of[p] for p in node.parents if p is not None]
        row_of[node] = max(above, default=-1) + 1
        rows[row_of[node]].append(node)
    widest = max(map(len, rows.values()))
    at = {
        node: (_WIDE * (k + 0.5 + (widest - len(row)) / 2), _HIGH * (r + 0.5))
        for r, row in rows.items()
        for k, node in enumerate(row)
    }
    width, height = _WIDE * widest, _HIGH * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="monospace" font-size="11" text-anchor="middle">'
    ]
    for edge in edges:
        (x, y), (u, v) = at[edge.parent], at[edge.node]
        y, v = y + _BOX[1] / 2, v - _BOX[1] / 2
        parts.append(f'<line x1="{x}" y1="{y}" x2="{u}" y2="{v}" stroke="#888"/>')
        where = f'x="{(x + u) / 2}" y="{(y + v) / 2}"'
        parts.append(f'<text {where} fill="#b00">{html.escape(edge.gradient)}</text>')
    for node, (x, y) in at.items():
        box = f'x="{x - _BOX[0] / 2}" y="{y - _BOX[1] / 2}" width="{_BOX[0]}" height="{_BOX[1]}"'
        fill = "#e8f0fe" if node.pull is None else "#fff"
        parts.append(f'<rect {box} rx="4" fill="{fill}" stroke="#333"/>')
        for text, down in ((node.name, -3), (_short(node.value), 11)):
            parts.append(f'<text x="{x}" y="{y + down}">{html.escape(text)}</text>')
    return "\n".join([*parts, "</svg>"])


def table(output: Any, seed: Any = 1.0) -> str:
    """One line per operation: the user's line, the operation, its value, its gradient."""
    nodes, _ = _swept(output, seed)
    texts = [
        (str(node.loc or ""), node.name, _short(node.value), _short(node.grad)) for node in nodes
    ]
    texts.insert(0, ("line", "operation", "value", "gradient"))
    wide = [max(map(len, column)) for column in zip(*texts)]
    return "\n".join("  ".join(map(str.ljust, row, wide)).rstrip() for row in texts)


def _swept(output: Any, seed: Any) -> tuple[list[Node], list[Edge]]:
    if not isinstance(output, Var) or output.node is None:
        raise AdcompileError("nothing is recorded behind this value")
    if len(ancestors(output.node)) > _MOST:
        raise AdcompileError(f"more than {_MOST} operations: draw a smaller case")
    edges: list[Edge] = []

    def watch(node: Node, k: int, part: Any) -> None:
        parent = node.parents[k]
        assert parent is not None
        if callable(part):  # a part of an array: as the parent receives it
            alone = Node("", parent.value)
            alone.receive(part)
            part = alone.grad
        edges.append(Edge(parent, node, _short(part)))

    backward(output.node, seed * np.ones_like(output.value)[()], watch)
    return ancestors(output.node)[::-1], edges


def _short(value: Any) -> str:
    if np.ndim(value) == 0:
        return "" if value is None else f"{value:.4g}"
    if np.size(value) <= 3:
        return "[" + " ".join(_short(part) for part in value) + "]"
    return f"array {np.shape(value)}"
