"""What was found: kept as JSON, shown as Markdown tables and as a drawing."""

from __future__ import annotations

import dataclasses
import html
import json
import math
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks import page
from benchmarks.arrays import report
from benchmarks.arrays.workload import BY_HAND, OURS, PRIMALS, TAPE
from benchmarks.arrays.workloads import WORKLOADS as ARRAYS
from benchmarks.page import table
from benchmarks.race import THREADED, Row, Rows
from benchmarks.workloads import WORKLOADS

DOCS = Path(__file__).resolve().parents[1] / "docs"
RESULTS = DOCS / "benchmarks.json"
_PACKAGES = (
    "adcompile",
    "numpy",
    "numba",
    "scipy",
    "jax",
    "torch",
    "autograd",
    "casadi",
    "tangent-ad",
    "warp-lang",
)
_COLOURS = {
    "by hand": "#7a7a7a",
    "adcompile": "#1a7f4b",
    "tape": "#b5532a",
    "best other": "#3465a4",
}


Found = dict[tuple[str, str, str], Rows]  # by title, case, and "one" or "all" threads


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


def write(found: Found) -> None:
    """With what earlier runs found of other cases, in the order of the workloads."""
    known = load() | found
    order = [
        (w.title, case, threads)
        for threads in ("one", "all")
        for w in WORKLOADS.values()
        for case in w.cases
    ]
    known = {key: known[key] for key in order if key in known}
    if found:
        save(known)
    one = {key: rows for key, rows in known.items() if key[2] == "one"}
    (DOCS / "benchmarks.svg").write_text(drawing(one) + "\n")
    page.write("all_benchmarks.md", "overview", overview(one))
    page.write("all_benchmarks.md", "threads", several(known))
    page.write("../README.md", "benchmarks", short(one), how="measured")
    tables = [f"**{t}, {case}**\n\n{details(rows)}\n" for (t, case, _), rows in one.items()]
    page.write("all_benchmarks.md", "details", "\n".join(tables))
    for name, workload in ARRAYS.items():
        cases = {case: rows for (title, case, _), rows in one.items() if title == workload.title}
        if cases:
            report.write(name, workload.title, cases)


def save(found: Found) -> None:
    """Everything measured; the tables and the drawing are made from this file."""
    cases = [
        {
            "workload": title,
            "case": case,
            "threads": threads,
            "rows": {name: dataclasses.asdict(row) for name, row in rows.items()},
        }
        for (title, case, threads), rows in found.items()
    ]
    everything = {"versions": versions(), "processor": processor(), "cases": cases}
    RESULTS.write_text(json.dumps(everything, indent=1) + "\n")


def load() -> Found:
    """What earlier runs found."""
    if not RESULTS.exists():
        return {}
    found: Found = {}
    for case in json.loads(RESULTS.read_text())["cases"]:
        rows = {name: Row(**row) for name, row in case["rows"].items()}
        for row in rows.values():
            row.seconds = {int(turn): seconds for turn, seconds in row.seconds.items()}
        found[case["workload"], case["case"], case["threads"]] = rows
    return found


def columns(rows: Rows) -> dict[str, Row]:
    """The rows that a summary shows; ``best other`` is the quickest gradient of another's."""
    there = {name: row for name, row in rows.items() if row.seconds}
    known = (OURS, TAPE, *PRIMALS)
    named = {
        "function alone": [row for name, row in there.items() if name in PRIMALS],
        "by hand": [row for name, row in there.items() if name.startswith(BY_HAND)],
        "adcompile": [row for name, row in there.items() if name.startswith(OURS)],
        "tape": [row for name, row in there.items() if name == TAPE],
        "best other": [
            row
            for name, row in there.items()
            if name not in known and not name.startswith((BY_HAND, OURS))
        ],
    }
    return {name: min(group, key=Row.median) for name, group in named.items() if group}


def _name(rows: Rows, row: Row | None) -> str:
    return next((name for name, one in rows.items() if one is row), "")


def tape_ratios(found: Found) -> dict[tuple[str, str, str], str]:
    """Tape over compiled; in brackets that of the largest case in which both took part."""
    ratios: dict[tuple[str, str, str], str] = {}
    latest: dict[str, str] = {}
    for key, rows in found.items():
        title, case, _ = key
        shown = columns(rows)
        if ratio := _ratio(shown.get("tape"), shown.get("adcompile")):
            ratios[key], latest[title] = ratio, f"({ratio}: {case})"
        else:
            ratios[key] = latest.get(title, "")
    return ratios


def overview(found: Found) -> str:
    """One line per case: times, and the ratios that matter most."""
    head = ["", "function alone", "by hand", "adcompile", "tape / adcompile"]
    head += ["adcompile / function", "adcompile / by hand", "best other / adcompile"]
    head += ["first call, cold / warm"]
    lines, tapes = [], tape_ratios(found)
    for (title, case, threads), rows in found.items():
        shown = columns(rows)
        ours, other = shown.get("adcompile"), shown.get("best other")
        cells = [f"{title}, {case}"]
        for name in head[1:4]:
            cells.append(_time(shown[name].median()) if name in shown else "")
        cells += [tapes[title, case, threads], _ratio(ours, shown.get("function alone"))]
        cells.append(_ratio(ours, shown.get("by hand")))
        cells.append(f"{_ratio(other, ours)} {_name(rows, other)}".strip())
        mine = rows[OURS]
        known = mine.first is not None and mine.warm is not None
        cells.append(f"{mine.first:.1f} s / {mine.warm:.1f} s" if known else "")
        lines.append(cells)
    return table(head, lines)


def short(found: Found) -> str:
    """The largest case of each workload, for the README."""
    last = {title: key for key in found for title in key[:1]}
    head = ["", "gradient", "over the function", "over by hand", "tape", "the quickest other"]
    lines, tapes = [], tape_ratios(found)
    for title, key in last.items():
        rows = found[key]
        shown = columns(rows)
        ours, other = shown.get("adcompile"), shown.get("best other")
        if ours is None:
            continue
        ratio = tapes[key].strip("()").partition(":")[0]
        tape = f"{ratio} x" if ratio else ""
        lines.append([
            f"{title}, {key[1]}",
            _time(ours.median()),
            _ratio(ours, shown.get("function alone")),
            _ratio(ours, shown.get("by hand")),
            f"({tape})" if tapes[key].startswith("(") else tape,
            f"{_ratio(other, ours)} x, {_name(rows, other)}" if other else "",
        ])  # fmt: skip
    return table(head, lines)


def several(found: Found) -> str:
    """Time by the clock with all threads, of the quickest form; in brackets over that on one."""
    lines = []
    for (title, case, threads), rows in found.items():
        if threads != "all":
            continue
        one = found.get((title, case, "one"), {})
        cells = [f"{title}, {case}"]
        for start in THREADED:
            name, row = _quickest(rows, start)
            _, alone = _quickest(one, start)
            gain = f" ({row.median() / alone.median():.2f})" if row and alone else ""
            cells.append(_time(row.median()) + gain + name.removeprefix(start) if row else "")
        lines.append(cells)
    return table(["", *THREADED], lines)


def _quickest(rows: Rows, start: str) -> tuple[str, Row | None]:
    there = [(name, row) for name, row in rows.items() if name.startswith(start) and row.seconds]
    return min(there, key=lambda one: one[1].median(), default=("", None))


def details(rows: Rows) -> str:
    """Every contestant of one case."""
    ours = rows[OURS]
    lines = []
    for name, row in rows.items():
        if not row.seconds:
            lines.append([name, row.note.replace("|", "/"), "", "", "", ""])
            continue
        first = "" if row.first is None else f"{row.first:.2f}"
        kept = ("" if b is None else f"{max(b, 0) / 1e6:.3g}" for b in (row.peak, row.tape))
        lines.append([name, _time(row.median()), _ratio(row, ours, True), first, *kept])
    return table(["", "time", "over adcompile", "first call, s", "peak MB", "tape MB"], lines)


def drawing(found: Found) -> str:
    """Times over that of the function alone, on a logarithmic scale."""
    bars: list[tuple[str, str, float]] = []
    for (title, case, _), rows in found.items():
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
    if row is None or over is None:
        return ""
    found = row.ratio(over)
    if found is None:
        return ""
    if spread:
        return f"{found.median:.3g} [{found.low:.3g}, {found.high:.3g}]"
    return f"{found.median:.0f}" if found.median >= 100 else f"{found.median:.2f}"


def processor() -> str:
    try:
        lines: Any = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((x.partition(": ")[2] for x in lines if x.startswith("model name")), "")
