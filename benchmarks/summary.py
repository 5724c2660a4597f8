"""What was found: kept as JSON, shown as Markdown tables and as a drawing."""

from __future__ import annotations

import html
import json
import math
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.arrays.workload import BY_HAND, OURS, PRIMALS, TAPE
from benchmarks.page import table
from benchmarks.race import Row, Rows

DOCS = Path(__file__).resolve().parents[1] / "docs"
RESULTS = DOCS / "benchmarks.json"
_PACKAGES = ("adcompile", "numpy", "numba", "scipy", "jax", "torch", "autograd")
_COLOURS = {
    "by hand": "#7a7a7a",
    "adcompile": "#1a7f4b",
    "tape": "#b5532a",
    "best other": "#3465a4",
}


Found = dict[tuple[str, str], Rows]  # by title and case


def versions() -> dict[str, str]:
    found = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def save(found: Found) -> None:
    """Everything measured; the tables and the drawing are made from this file."""
    cases = [
        {
            "workload": title,
            "case": case,
            "rows": {
                name: {
                    "note": row.note,
                    "seconds": row.seconds,
                    "first": row.first,
                    "warm": row.warm,
                    "peak": row.peak,
                }
                for name, row in rows.items()
            },
        }
        for (title, case), rows in found.items()
    ]
    everything = {"versions": versions(), "processor": processor(), "cases": cases}
    RESULTS.write_text(json.dumps(everything, indent=1) + "\n")


def load() -> Found:
    """What earlier runs found."""
    if not RESULTS.exists():
        return {}
    return {
        (case["workload"], case["case"]): {
            name: Row(
                row["note"],
                {int(turn): seconds for turn, seconds in row["seconds"].items()},
                row["first"],
                row["warm"],
                row["peak"],
            )
            for name, row in case["rows"].items()
        }
        for case in json.loads(RESULTS.read_text())["cases"]
    }


def columns(rows: Rows) -> dict[str, Row]:
    """The rows that a summary shows; ``best other`` is the quickest gradient of another's."""
    there = {name: row for name, row in rows.items() if row.seconds}
    hands = [row for name, row in there.items() if name.startswith(BY_HAND)]
    primals = [row for name, row in there.items() if name in PRIMALS]
    ours = [row for name, row in there.items() if name == OURS]
    tapes = [row for name, row in there.items() if name == TAPE]
    known = (OURS, TAPE, *PRIMALS)
    others = [r for n, r in there.items() if n not in known and not n.startswith((BY_HAND, OURS))]
    named = {
        "function alone": primals,
        "by hand": hands,
        "adcompile": ours,
        "tape": tapes,
        "best other": others,
    }
    return {name: min(group, key=Row.median) for name, group in named.items() if group}


def overview(found: Found) -> str:
    """One line per case: times, and the two ratios that matter most."""
    head = ["", "function alone", "by hand", "adcompile", "tape", "tape / adcompile"]
    head += ["adcompile / by hand", "best other / adcompile", "first call, cold / warm"]
    lines = []
    for (title, case), rows in found.items():
        shown = columns(rows)
        ours = shown.get("adcompile")
        cells = [f"{title}, {case}"]
        for name in head[1:5]:
            note = rows[TAPE].note if name == "tape" else ""
            cells.append(_time(shown[name].median()) if name in shown else note.split(":")[0])
        cells += [_ratio(shown.get("tape"), ours), _ratio(ours, shown.get("by hand"))]
        cells.append(_ratio(shown.get("best other"), ours))
        mine = rows[OURS]
        known = mine.first is not None and mine.warm is not None
        cells.append(f"{mine.first:.1f} s / {mine.warm:.1f} s" if known else "")
        lines.append(cells)
    return table(head, lines)


def details(rows: Rows) -> str:
    """Every contestant of one case."""
    ours = rows[OURS]
    lines = []
    for name, row in rows.items():
        if not row.seconds:
            lines.append([name, row.note.replace("|", "/"), "", "", ""])
            continue
        first = "" if row.first is None else f"{row.first:.2f}"
        peak = "" if row.peak is None else f"{row.peak / 1e6:.3g}"
        lines.append([name, _time(row.median()), _ratio(row, ours, True), first, peak])
    return table(["", "time", "over adcompile", "first call, s", "peak MB"], lines)


def drawing(found: Found) -> str:
    """Times over that of the function alone, on a logarithmic scale."""
    bars: list[tuple[str, str, float]] = []
    for (title, case), rows in found.items():
        shown = columns(rows)
        for name in _COLOURS:
            if name in shown and "function alone" in shown:
                ratio = shown[name].median() / shown["function alone"].median()
                bars.append((f"{title}, {case}", name, ratio))
    low, high = 0.1, max([10.0, *(ratio for *_, ratio in bars)])

    def x(ratio: float) -> float:
        return 330 + 560 * math.log(max(ratio, low) / low) / math.log(high / low)

    parts: list[str] = []
    y, last = 30.0, ""
    for label, name, ratio in bars:
        if label != last:
            y, last = y + 10, label
            parts.append(f'<text x="320" y="{y + 9}" text-anchor="end">{html.escape(label)}</text>')
        parts.append(
            f'<rect x="330" y="{y}" width="{x(ratio) - 330:.1f}" height="9" '
            f'fill="{_COLOURS[name]}"/><text x="{x(ratio) + 4:.1f}" y="{y + 8.5}" '
            f'font-size="9">{ratio:.2g}</text>'
        )
        y += 10
    key = [
        f'<rect x="{330 + 110 * k}" y="8" width="9" height="9" fill="{colour}"/>'
        f'<text x="{344 + 110 * k}" y="16.5">{name}</text>'
        for k, (name, colour) in enumerate(_COLOURS.items())
    ]
    one = f'<line x1="{x(1):.1f}" x2="{x(1):.1f}" y1="25" y2="{y}" stroke="#000"/>'
    size = f'viewBox="0 0 960 {y + 10:.0f}" font-family="sans-serif" font-size="10"'
    return "\n".join(
        [f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', *key, *parts, one, "</svg>"]
    )


def _time(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * scale >= 1.0:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e6:.2g} us"


def _ratio(row: Row | None, over: Row | None, spread: bool = False) -> str:
    if row is None or over is None or not over.seconds or not row.seconds:
        return ""
    found = row.over(over)
    if spread:
        return f"{found.median:.3g} [{found.low:.3g}, {found.high:.3g}]"
    return f"{found.median:.0f}" if found.median >= 100 else f"{found.median:.2f}"


def processor() -> str:
    try:
        lines: Any = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((x.partition(": ")[2] for x in lines if x.startswith("model name")), "")
