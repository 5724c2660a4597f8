"""The document of the course does what it says, and the worked examples have the gradients derived
by hand."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adcompile import optim
from adcompile.testing import plain_value_and_grad
from adcompile.training import (
    check_gradient,
    numerical_descent,
    numerical_gradient,
    random_search,
)
from tests.test_arrays import load

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "course.md"


def blocks(text: str) -> Iterator[tuple[str, str, int]]:
    """(code, what it prints, its first line's number)"""
    for found in re.finditer(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", text, re.DOTALL):
        yield found[1], found[2] or "", text[: found.start(1)].count("\n")


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[Any]]:
    """The names that the document defines, and (line, what was printed, what is to be).

    The blocks lie in a file, at the lines that they have in the document.
    """
    text = PAGE.read_text()
    lines = [""] * text.count("\n")
    for code, _, line in blocks(text):
        part = code.splitlines()
        lines[line : line + len(part)] = part
    path = tmp_path_factory.mktemp("course") / "course_document.py"
    path.write_text("\n".join(lines))
    names: dict[str, Any] = {"__name__": "course_document"}
    outputs = []
    for code, prints, line in blocks(text):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile("\n" * line + code, str(path), "exec"), names)
        outputs.append((line + 1, printed.getvalue().rstrip(), prints.rstrip()))
    assert len(outputs) == text.count("```python") == 8
    return names, outputs


@pytest.mark.compiled
def test_document(document: Any) -> None:
    for line, printed, expected in document[1]:
        assert printed == expected, f"docs/course.md, line {line}"


@pytest.mark.compiled
def test_an_epoch_in_njit_code_is_the_one_in_python(document: Any) -> None:
    names, _ = document
    x, labels = names["rings"](20)
    found = []
    for epoch in (names["epoch"], names["epoch"].py_func):
        params = names["initial"]()
        state = optim.sgd_state(params)
        state, params = epoch(state, params, x, labels, np.random.default_rng(0), 0.5, True)
        assert state.step == 6
        found.append(params)
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)


@pytest.mark.compiled
def test_baselines(document: Any) -> None:
    names, _ = document
    cost, plain = names["cost"], names["plain"]
    x, labels = names["rings"](4)
    params = names["initial"](3)
    assert check_gradient(cost, params, x, labels) < 1e-8
    for g, n in zip(cost(params, x, labels)[1], numerical_gradient(plain, params, x, labels)):
        np.testing.assert_allclose(g, n, atol=1e-8)

    start = plain(params, x, labels)
    rng = np.random.default_rng(0)
    tried, by_chance = random_search(plain, params, x, labels, rng=rng, steps=20)
    assert plain(tried, x, labels) == by_chance < start
    moved, downhill = numerical_descent(plain, params, x, labels, steps=20, rate=0.5)
    assert plain(moved, x, labels) == downhill < by_chance

    def wrong(params: Any, x: Any, labels: Any) -> Any:
        value, grads = cost(params, x, labels)
        return value, (*grads[:3], grads[3] * 1.01)

    def holes(params: Any, x: Any, labels: Any) -> Any:
        value, grads = cost(params, x, labels)
        return value, (grads[0] * np.nan, *grads[1:])

    for broken in (wrong, holes):
        broken.value_and_grad, broken.py_func = broken, plain  # type: ignore[attr-defined]
        assert not check_gradient(broken, params, x, labels) < 1e-4


course = load(ROOT / "examples" / "course.py")


@pytest.mark.parametrize("example", course.EXAMPLES, ids=lambda example: example.name)
def test_worked_example(example: Any) -> None:
    numbers = tuple(range(len(example.args)))
    value, slopes = plain_value_and_grad(example.f, numbers)(*example.args)
    assert value == pytest.approx(float(example.f(*example.args)), rel=1e-13)
    assert course.difference(slopes, example.by_hand(*example.args)) < 1e-13
    assert course.difference(slopes, course.by_differences(example.f, example.args)) < 1e-8


def test_examples_of_the_course_have_its_numbers() -> None:
    by_name = {example.name: example for example in course.EXAMPLES}
    for name, numbers in [
        ("polynomial", (16.0,)),
        ("product", (-3.0, 4.0)),
        ("graph (x + y) z", (-4.0, -4.0, 3.0)),
        ("sigmoid neuron", ([-0.1966, -0.3932, 0.1966], [0.3932, -0.5898])),
    ]:
        example = by_name[name]
        for found, number in zip(example.by_hand(*example.args), numbers, strict=True):
            np.testing.assert_allclose(found, number, atol=1e-4)
