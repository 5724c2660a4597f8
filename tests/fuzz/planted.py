"""Ten bugs put on purpose into the text of generated modules: does the fuzzer find them?

Each edits one place of an adjoint function, chosen by the text itself, and leaves all else as
it is.  A module without such a place stays as it was.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .check import Target, check
from .program import generate

ENOUGH = 2  # mismatches that show a bug as found


@dataclass(frozen=True)
class Edit:
    """Replace the text of a node."""

    node: ast.expr | ast.stmt
    text: str


Finder = Callable[[ast.AST], Iterator[Edit]]


def is_adjoint(node: ast.AST) -> bool:
    """``x_adj`` or ``x_adj[...]``; names that had to differ have a number after them."""
    base = node.value if isinstance(node, ast.Subscript) else node
    return isinstance(base, ast.Name) and "_adj" in base.id


def is_tape(node: ast.AST) -> bool:
    base = node.value if isinstance(node, ast.Subscript) else None
    return isinstance(base, ast.Name) and "_tape" in base.id


def accumulations(node: ast.AST) -> Iterator[ast.AugAssign]:
    if isinstance(node, ast.AugAssign) and is_adjoint(node.target):
        yield node


def no_zeroing(node: ast.AST) -> Iterator[Edit]:
    match node:
        case ast.Assign(targets=[ast.Subscript() as target], value=ast.Constant(value=0.0)):
            if is_adjoint(target):
                yield Edit(node, "pass")
        case ast.Expr(
            value=ast.Call(func=ast.Name(id="set_zero") | ast.Attribute(attr="set_zero"))
        ):
            yield Edit(node, "pass")


def no_restore(node: ast.AST) -> Iterator[Edit]:
    """The value in hand instead of the stored one; where there is none, one that is wrong."""
    match node:
        case ast.Assign(targets=[ast.Subscript()], value=value) if is_tape(value):
            yield Edit(node, "pass")
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if is_tape(value):
            if "_flags" not in ast.unparse(value) and "_ints" not in ast.unparse(value):
                yield Edit(node, f"{name} = {name} if {name!r} in locals() else 0.5")


def other_branch(node: ast.AST) -> Iterator[Edit]:
    if isinstance(node, ast.If):
        yield Edit(node.test, f"not ({ast.unparse(node.test)})")


def wrong_sign(node: ast.AST) -> Iterator[Edit]:
    for a in accumulations(node):
        op = "-=" if isinstance(a.op, ast.Add) else "+="
        yield Edit(a, f"{ast.unparse(a.target)} {op} {ast.unparse(a.value)}")


def last_iteration_missing(node: ast.AST) -> Iterator[Edit]:
    match node:
        case ast.For(iter=ast.Call(args=[_, stop, step])) if ast.unparse(step) == "-1":
            yield Edit(stop, f"{ast.unparse(stop)} + 1")


def first_iteration_missing(node: ast.AST) -> Iterator[Edit]:
    match node:
        case ast.For(iter=ast.Call(args=[start, _, step])) if ast.unparse(step) == "-1":
            yield Edit(start, f"{ast.unparse(start)} - 1")


def lost_contribution(node: ast.AST) -> Iterator[Edit]:
    for a in accumulations(node):
        yield Edit(a, "pass")


def overwritten_adjoint(node: ast.AST) -> Iterator[Edit]:
    for a in accumulations(node):
        yield Edit(a, f"{ast.unparse(a.target)} = {ast.unparse(a.value)}")


def wrong_partial(node: ast.AST) -> Iterator[Edit]:
    match node:
        case ast.Assign(targets=[target], value=value) | ast.AugAssign(target=target, value=value):
            if is_adjoint(target):
                for part in ast.walk(value):
                    if isinstance(part, ast.Attribute) and part.attr in ("cos", "sin"):
                        other = "sin" if part.attr == "cos" else "cos"
                        yield Edit(part, f"{ast.unparse(part.value)}.{other}")


def stale_value(node: ast.AST) -> Iterator[Edit]:
    """The row of the iteration before."""
    if isinstance(node, ast.Assign) and is_tape(node.value):
        assert isinstance(node.value, ast.Subscript)
        index = node.value.slice
        row = index.elts[0] if isinstance(index, ast.Tuple) else index
        yield Edit(row, f"max({ast.unparse(row)} - 1, 0)")


PLANTED: tuple[tuple[str, Finder], ...] = (
    ("adjoint of an overwritten element not zeroed", no_zeroing),
    ("stored value not restored", no_restore),
    ("other branch taken in reverse", other_branch),
    ("sign of a contribution", wrong_sign),
    ("reverse loop leaves out its last iteration", last_iteration_missing),
    ("reverse loop leaves out its first iteration", first_iteration_missing),
    ("contribution lost", lost_contribution),
    ("contribution overwrites the adjoint", overwritten_adjoint),
    ("cos for sin in a partial", wrong_partial),
    ("value of the iteration before", stale_value),
)


@dataclass(frozen=True)
class Plant:
    """A mutation of a module's text; pickles, for use in other processes."""

    number: int

    def __call__(self, text: str) -> str:
        finder = PLANTED[self.number][1]
        edits = [e for n in adjoint_nodes(text) for e in finder(n)]
        if not edits:
            return text
        return replace(text, random.Random(text).choice(edits))


def adjoint_nodes(text: str) -> list[ast.AST]:
    """All nodes of the adjoint functions (of every function, if none is called so)."""
    functions = [n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef)]
    chosen = [f for f in functions if "adjoint" in f.name] or functions
    return [n for f in chosen for n in ast.walk(f)]


def replace(text: str, edit: Edit) -> str:
    lines = text.encode().splitlines(keepends=True)  # columns of ast count bytes
    node = edit.node
    assert node.end_lineno is not None and node.end_col_offset is not None
    head = b"".join(lines[: node.lineno - 1]) + lines[node.lineno - 1][: node.col_offset]
    tail = lines[node.end_lineno - 1][node.end_col_offset :] + b"".join(lines[node.end_lineno :])
    return (head + edit.text.encode() + tail).decode()


@dataclass
class Verdict:
    name: str
    tried: int = 0
    changed: int = 0
    mismatches: int = 0
    crashes: int = 0
    first: str = ""

    @property
    def found(self) -> bool:
        return self.mismatches >= ENOUGH

    def __str__(self) -> str:
        word = "found" if self.found else "NOT FOUND"
        counts = f"in {self.mismatches} of {self.changed} changed programs ({self.crashes} crashes)"
        return f"{word:10} {self.name}: {counts}, first {self.first or '-'}"


class Recorder:
    """Applies a plant and remembers whether it changed anything."""

    def __init__(self, plant: Plant) -> None:
        self.plant, self.changed = plant, False

    def __call__(self, text: str) -> str:
        out = self.plant(text)
        self.changed = self.changed or out != text
        return out


def hunt(number: int, seeds: list[str], all_of_them: bool = False) -> Verdict:
    """Programs that are right without the bug, until it is found."""
    verdict = Verdict(PLANTED[number][0])
    for seed in seeds:
        program = generate(seed)
        recorder = Recorder(Plant(number))
        outcome = check(program, Target("plain", True, recorder))
        verdict.tried += 1
        verdict.changed += recorder.changed
        if recorder.changed and outcome.bad and not check(program, Target("plain")).bad:
            if outcome.status == "crash":
                verdict.crashes += 1
            else:
                verdict.mismatches += 1
                verdict.first = verdict.first or seed
        if verdict.found and not all_of_them:
            break
    return verdict


def verify(count: int, seed: int) -> int:
    """The command: 0 if all are found."""
    missing = 0
    for number in range(len(PLANTED)):
        verdict = hunt(number, [f"{seed}:{k}" for k in range(count)])
        print(verdict, flush=True)
        missing += not verdict.found
    return missing
