"""What was found, as Markdown."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from benchmarks import page
from benchmarks.gpu.run import workload
from benchmarks.gpu.workload import BY_HAND, OURS


def short(row: dict[str, Any]) -> str:
    if "seconds" not in row:
        return row.get("note") or f"failed: {row['failed']}"
    low, middle, high = (1e3 * q for q in np.quantile(row["seconds"], (0.05, 0.5, 0.95)))
    return f"{middle:.4g} ms [{low:.4g}, {high:.4g}]"


def _over(row: dict[str, Any], rows: dict[str, Any], who: str) -> str:
    if "seconds" not in row or "seconds" not in rows.get(who, {}):
        return ""
    return f"{np.median(row['seconds']) / np.median(rows[who]['seconds']):.2f}"


def tables(found: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    copied = found["copied"]
    lines = [f"{found['device']}; {found['date']}; {versions}."]
    lines += [f"A copy of 1 GiB on the device reads and writes {copied / 1e9:.0f} GB/s."]
    for name, rows in found["rows"].items():
        head = ["", "time", "over by hand", "over adcompile", "bandwidth of a copy"]
        cells = [
            [
                who,
                short(row).replace("|", "/"),
                _over(row, rows, BY_HAND),
                _over(row, rows, OURS),
                f"{row['moved'] / np.median(row['seconds']) / copied:.0%}"
                if "moved" in row
                else "",
            ]
            for who, row in rows.items()
        ]
        if not any(line[-1] for line in cells):
            head, cells = head[:-1], [line[:-1] for line in cells]
        lines += ["", f"**{workload(name).title}**", "", page.table(head, cells)]
    return "\n".join(lines)


def write(found: dict[str, Any]) -> None:
    """Into docs/gpu.md and docs/gpu.json."""
    page.write("gpu.md", "figures", tables(found))
    (page.DOCS / "gpu.json").write_text(json.dumps(found, indent=1) + "\n")
