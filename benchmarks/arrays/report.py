"""The tables, as Markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from benchmarks.arrays.run import FEW, Row
from benchmarks.arrays.workload import BY_HAND, OURS, PRIMALS
from benchmarks.measure import Spread

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def table(title: str, rows: Mapping[str, Row]) -> str:
    """Times, and ratios within turns to ours and to the quickest hand-written adjoint."""
    ours = rows[OURS]
    best = _best(rows)
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
    return "\n".join([*lines, *_verdict(rows)]) + "\n"


def _verdict(rows: Mapping[str, Row]) -> list[str]:
    """Ours over the best by hand and over the quickest of the other gradients."""
    ours = rows[OURS]
    rivals = {
        name: row
        for name, row in rows.items()
        if row.seconds and name not in PRIMALS and not name.startswith((OURS, BY_HAND))
    }
    if not ours.seconds or not rivals:
        return []
    quickest = min(rivals, key=lambda name: rivals[name].median())
    hand = f"{_spread(ours.ratio(_best(rows)))} of the best by hand, "
    other = f"{_spread(ours.ratio(rivals[quickest]))} of the quickest other ({quickest})."
    return ["", f"adcompile takes {hand}{other}"]


def _best(rows: Mapping[str, Row]) -> Row:
    hands = [row for name, row in rows.items() if name.startswith(BY_HAND) and row.seconds]
    return min(hands, key=Row.median)


def _spread(spread: Spread | None) -> str:
    if spread is None:
        return ""
    return f"{spread.median:.2f} [{spread.low:.2f}, {spread.high:.2f}]"


def write(name: str, title: str, found: Mapping[str, Mapping[str, Row]]) -> None:
    """Between the workload's markers in the page."""
    tables = "\n".join(table(case, rows) for case, rows in found.items())
    start, end = f"<!-- generated: {name} -->", "<!-- end -->"
    text = PAGE.read_text()
    pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(text):
        text = f"{text.rstrip()}\n\n## {title}\n\n{start}\n{end}\n"
    PAGE.write_text(pattern.sub(lambda _: f"{start}\n{tables}{end}", text, count=1))
