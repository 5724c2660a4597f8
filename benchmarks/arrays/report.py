"""The tables, as Markdown."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.arrays.run import FEW, Row, Rows
from benchmarks.arrays.workload import BY_HAND, OURS
from benchmarks.measure import Spread

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def table(title: str, rows: Rows) -> str:
    """Times, and ratios within turns to ours and to the quickest hand-written adjoint."""
    ours = rows[OURS]
    hands = [row for name, row in rows.items() if name.startswith(BY_HAND) and row.seconds]
    best = min(hands, key=Row.median)
    lines = [
        f"**{title}**",
        "",
        "| | ms | over adcompile | over the best by hand | peak MB |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, row in rows.items():
        if not row.seconds:
            lines.append(f"| {name} | {row.note.replace('|', '/')} | | | |")
            continue
        few = "*" if len(row.seconds) <= FEW else ""
        cells = (
            f"{1e3 * row.median():.3g}{few}",
            _spread(row.ratio(ours)),
            _spread(row.ratio(best)),
            "" if row.peak is None else f"{row.peak / 1e6:.3g}",
        )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _spread(spread: Spread | None) -> str:
    if spread is None:
        return ""
    return f"{spread.median:.2f} [{spread.low:.2f}, {spread.high:.2f}]"


def write(name: str, title: str, found: dict[str, Rows]) -> None:
    """Between the workload's markers in the page."""
    tables = "\n".join(table(case, rows) for case, rows in found.items())
    start, end = f"<!-- generated: {name} -->", "<!-- end -->"
    text = PAGE.read_text()
    pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(text):
        text = f"{text.rstrip()}\n\n## {title}\n\n{start}\n{end}\n"
    PAGE.write_text(pattern.sub(lambda _: f"{start}\n{tables}{end}", text, count=1))
