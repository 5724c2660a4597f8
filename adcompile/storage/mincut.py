"""Which values to store so that all others can be computed again: a minimum cut.

Each value is one node.  Making it available in the reverse sweep costs ``store`` (keep it) or
``recompute`` (repeat its operation, all of whose operands must then be available).  The cheapest
choice is a minimum cut, found by augmenting paths.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

INFINITE = float("inf")
Node = Hashable


@dataclass(frozen=True)
class Choice:
    """store, recompute: costs; ``INFINITE`` where impossible.  operands: what recomputing reads."""

    store: float
    recompute: float
    operands: tuple[Node, ...]


def choose(
    choices: Mapping[Node, Choice], needed: Iterable[Node]
) -> tuple[list[Node], list[Node]] | None:
    """(stored, recomputed) of least total cost, in the order of ``choices``; None: impossible."""
    graph: dict[Node, dict[Node, float]] = {"source": {}, "sink": {}}

    def edge(a: Node, b: Node, capacity: float) -> None:
        graph.setdefault(a, {})[b] = graph.get(a, {}).get(b, 0.0) + capacity
        graph.setdefault(b, {}).setdefault(a, 0.0)

    for node, choice in choices.items():
        edge("source", ("in", node), choice.recompute)
        edge(("in", node), ("out", node), choice.store)
        for operand in choice.operands:
            edge(("out", operand), ("in", node), INFINITE)
    for node in needed:
        edge(("out", node), "sink", INFINITE)

    while (path := _augmenting_path(graph)) is not None:
        room = min(graph[a][b] for a, b in path)
        if room == INFINITE:
            return None
        for a, b in path:
            graph[a][b] -= room
            graph[b][a] += room

    # What still reaches the sink is made available; a node whose input does is recomputed.
    reaching = _reaching_sink(graph)
    stored = [n for n in choices if ("out", n) in reaching and ("in", n) not in reaching]
    recomputed = [n for n in choices if ("out", n) in reaching and ("in", n) in reaching]
    return stored, recomputed


def _augmenting_path(graph: dict[Node, dict[Node, float]]) -> list[tuple[Node, Node]] | None:
    came: dict[Node, Node] = {"source": "source"}
    queue: deque[Node] = deque(["source"])
    while queue:
        here = queue.popleft()
        if here == "sink":
            path: list[tuple[Node, Node]] = []
            while here != "source":
                path.append((came[here], here))
                here = came[here]
            return path
        for there, room in graph[here].items():
            if room > 1e-12 and there not in came:
                came[there] = here
                queue.append(there)
    return None


def _reaching_sink(graph: dict[Node, dict[Node, float]]) -> set[Node]:
    """The sink's side of the cut, as small as possible: nodes with room left towards the sink."""
    found: set[Node] = {"sink"}
    queue: deque[Node] = deque(["sink"])
    while queue:
        here = queue.popleft()
        for before in graph[here]:
            if before not in found and graph[before].get(here, 0.0) > 1e-12:
                found.add(before)
                queue.append(before)
    return found
