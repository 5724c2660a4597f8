"""docs/constructs.md, from the table."""

from __future__ import annotations

from pathlib import Path

from adcompile.errors import AdcompileError
from adcompile.testing import plain_value_and_grad
from tests.constructs.check import ENTRIES
from tests.constructs.entries import Entry

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "constructs.md"
HEAD = """# Constructs

What may stand in a function that is differentiated, and what is refused.
Each line is a program of `tests/constructs`.
Its value and gradient are compared with the plain function and with differences, in both modes.
This page, messages included, is made by `python -m tests.constructs --write`.
"""
TABLE_HEAD = ["| construct | message | advice | why |", "| --- | --- | --- | --- |"]


def refusal(entry: Entry) -> AdcompileError:
    try:
        plain_value_and_grad(entry.func, entry.wrt)(*entry.args())
    except AdcompileError as error:
        return error
    raise AssertionError(f"{entry.construct} is not refused")


def page() -> str:
    lines = [HEAD, "## Supported", ""]
    sections = dict.fromkeys(e.section for e in ENTRIES)
    for section in sections:
        own = dict.fromkeys(
            e.construct for e in ENTRIES if e.section == section and e.message is None
        )
        if own:
            lines += [f"### {section}", "", *(f"- {construct}" for construct in own), ""]
    lines += [
        "## Refused",
        "",
        "| construct | message | advice | why |",
        "| --- | --- | --- | --- |",
    ]
    for entry in (e for e in ENTRIES if e.message is not None):
        error = refusal(entry)
        cells = (entry.construct, error.message, error.advice, entry.why)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"
