"""``bisect``: the first statement of a program whose adjoint is wrong."""

from __future__ import annotations

import linecache
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adcompile.api import argument_positions
from adcompile.errors import Loc
from adcompile.tape import TapeGrad
from adcompile.tape.node import Node, ancestors, with_lines
from adcompile.tape.variable import Var
from adcompile.testing.differences import directional, random_direction, unit_directions


@dataclass(frozen=True)
class WrongStatement:
    """``operation`` at ``loc`` is wrong for its operand number ``operand``, whose entry ``index``
    (None: a number) receives ``found``, where differences of the operation give ``expected``."""

    loc: Loc | None
    operation: str
    operand: int
    index: tuple[int, ...] | None
    found: float
    expected: float

    @property
    def statement(self) -> str:
        """The user's line."""
        return linecache.getline(self.loc.file, self.loc.line).strip() if self.loc else ""

    def __str__(self) -> str:
        entry = "" if self.index is None else f" at {list(self.index)}"
        return (
            f"{self.operation}, operand {self.operand}{entry}: its adjoint is {self.found!r}, "
            f"differences give {self.expected!r}\n  at {self.loc}\n    {self.statement}"
        )


def bisect(
    f: Any, args: Sequence[Any], argnums: Any = None, rtol: float = 1e-6
) -> WrongStatement | None:
    """The first statement, in the order in which ``f(*args)`` runs, whose adjoint is wrong.

    The tape engine runs ``f``; each operation that it records is then tested by itself, at the
    values that it had: what it sends back from a random cotangent w must satisfy
    <w, J d> = <J^T w, d>, where J d comes from differences of that operation alone.  So a wrong
    rule of the user's shows at the line that uses it, whatever follows.  None: all are right.
    """
    target = f.py_func if hasattr(f, "__adcompile__") else f
    if argnums is None:
        argnums = [k for k, a in enumerate(args) if np.asarray(a).dtype.kind in "fc"]
    derivative = TapeGrad(target, argument_positions(target, argnums), False, "grad")
    with with_lines():
        out, _ = derivative.record(*args)
    if not isinstance(out, Var) or out.node is None:
        return None
    for node in reversed(ancestors(out.node)):
        found = check_node(node, rtol)
        if found is not None:
            return found
    return None


def check_node(node: Node, rtol: float) -> WrongStatement | None:
    """Test one operation by itself."""
    if node.op is None or node.pull is None:
        return None
    rng = np.random.default_rng(node.number)
    inputs = [np.array(v)[()] for v in node.inputs]
    active = [k for k, parent in enumerate(node.parents) if parent is not None]
    parts = node.value if isinstance(node.value, tuple) else (node.value,)
    weights = [rng.uniform(0.5, 1.5, np.shape(p)) for p in parts]

    def weighted(*values: Any) -> float:
        with np.errstate(all="ignore"):
            made = node.op(*values)  # type: ignore[misc]
        made = made if isinstance(made, tuple) else (made,)
        return float(sum(np.sum((w * p).real) for w, p in zip(weights, made)))

    seeds: Any = [np.asarray(w, np.asarray(p).dtype)[()] for w, p in zip(weights, parts)]
    with np.errstate(all="ignore"):
        sent = node.pull(seeds if isinstance(node.value, tuple) else np.array(seeds[0])[()])
    received = {k: _received(node.parents[k], sent[k], inputs[k]) for k in active}
    d = random_direction(inputs, active, rng)
    if not _differs(weighted, inputs, received, d, rtol):
        return None
    for unit in unit_directions(inputs, active):
        wrong = _differs(weighted, inputs, received, unit, rtol)
        if wrong is not None:
            ((k, entry),) = unit.items()
            index = tuple(int(i[0]) for i in np.nonzero(entry)) if np.ndim(entry) else None
            return WrongStatement(node.loc, node.name, k, index, *wrong)
    return None


def _differs(
    weighted: Any, inputs: Any, received: dict[int, Any], d: dict[int, Any], rtol: float
) -> tuple[float, float] | None:
    truth = directional(weighted, inputs, d)
    found = sum(float(np.sum((received[k] * v).real)) for k, v in d.items())
    tolerance = (rtol + 10 * truth.error) * max(1.0, abs(truth.value))
    right = not truth.reliable or abs(found - truth.value) <= tolerance
    return None if right else (found, truth.value)


def _received(parent: Node | None, part: Any, value: Any) -> Any:
    if part is None:
        return np.zeros_like(value)
    if callable(part):
        assert parent is not None
        alone = Node("", parent.value)
        part(alone.buffer())
        part = alone.grad
    return np.array(part)
