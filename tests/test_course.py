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

from adcompile.testing import plain_value_and_grad
from tests.test_arrays import load

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "course.md"


def blocks(text: str) -> Iterator[tuple[str, str, int]]:
    """(code, what it prints, its first line's number)"""
    for found in re.finditer(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", text, re.DOTALL):
        yield found[1], found[2] or "", text[: found.start(1)].count("\n")


@pytest.mark.compiled
def test_document(tmp_path: Path) -> None:
    """The blocks lie in a file, at the lines that they have in the document."""
    text = PAGE.read_text()
    lines = [""] * text.count("\n")
    for code, _, line in blocks(text):
        part = code.splitlines()
        lines[line : line + len(part)] = part
    path = tmp_path / "course_document.py"
    path.write_text("\n".join(lines))
    names: dict[str, Any] = {"__name__": "course_document"}
    count = 0
    for code, prints, line in blocks(text):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile("\n" * line + code, str(path), "exec"), names)
        assert printed.getvalue().rstrip() == prints.rstrip(), f"docs/course.md, line {line + 1}"
        count += 1
    assert count == text.count("```python") == 8


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
