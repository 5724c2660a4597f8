"""What the two README files show is what the program makes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adcompile import __all__ as public
from tests.design_page import DESIGN, README, ROOT, updated


@pytest.mark.parametrize("page", [README, DESIGN], ids=["README", "design"])
def test_pages_are_current(page: Path) -> None:
    assert updated(page) == page.read_text(), "run: python -m tests.design_page --write"


def test_design_page_is_short_and_names_every_stage() -> None:
    text = DESIGN.read_text()
    assert len(text.splitlines()) <= 350
    for package in (ROOT / "adcompile").glob("*/__init__.py"):
        assert f"`{package.parent.name}/`" in text, package.parent.name


def test_files_that_the_pages_name_exist() -> None:
    for page in (README, DESIGN):
        for name in re.findall(r"`([\w/]+\.py)`", page.read_text()):
            places = [ROOT / name, ROOT / "adcompile" / name]
            assert any(p.exists() for p in places), f"{page.name}: {name}"


def test_readme_has_no_gaps() -> None:
    text = README.read_text()
    assert "PLACEHOLDER" not in text
    assert {"grad", "value_and_grad", "vjp"} <= {n for n in public if f"`{n}(" in text}
