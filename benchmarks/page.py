"""Tables of measurements in the documents."""

from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write(page: str, name: str, text: str, how: str = "generated") -> None:
    """Replace what stands between ``<!-- generated: name -->`` and ``<!-- end -->``."""
    path = DOCS / page
    before, found, rest = path.read_text().partition(f"<!-- {how}: {name} -->\n")
    _, end, after = rest.partition("<!-- end -->")
    if not found or not end:
        raise ValueError(f"{path} has no place for {name}")
    path.write_text(before + found + text + "\n" + end + after)
