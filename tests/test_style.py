"""Rules about the files themselves."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import adcompile

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 400
FOLDERS = ("adcompile", "benchmarks", "examples")
PROGRAM = [p for folder in FOLDERS for p in sorted((ROOT / folder).rglob("*.py"))]
EVERY = [*PROGRAM, *sorted((ROOT / "tests").rglob("*.py"))]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PROGRAM, ids=name)
def test_length(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST


@pytest.mark.parametrize("path", EVERY, ids=name)
def test_docstring_of_the_file(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), "a file begins with what it is for"


def test_file_names_say_something() -> None:
    vague = {"utils.py", "util.py", "helpers.py", "misc.py", "common.py"}
    assert not [name(p) for p in EVERY if p.name in vague]


def test_public_names_are_documented() -> None:
    for public in adcompile.__all__:
        value = getattr(adcompile, public)
        if callable(value):
            assert inspect.getdoc(value), public


def test_syntax_trees_at_the_two_ends_only() -> None:
    ends = ("adcompile/frontend/", "adcompile/emit/")
    users = [name(p) for p in PROGRAM if "import ast\n" in p.read_text()]
    users = [p for p in users if p.startswith("adcompile/")]
    assert not [p for p in users if not p.startswith(ends)]


def test_source_is_printed_in_one_place() -> None:
    users = [name(p) for p in PROGRAM if "import astor" in p.read_text()]
    assert users == ["adcompile/emit/source.py"]
