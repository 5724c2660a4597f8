"""The generated parts of README.md and adcompile/README.md.

    python -m tests.design_page --write

Each page is run: its first Python block is the program, and what stands between
``<!-- generated: NAME -->`` and ``<!-- end -->`` is made from it.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import runpy
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from numba import float64

from adcompile.adjoint.assemble import Derivative, Problem
from adcompile.backends.cpu import Argnums
from adcompile.emit.module import ModuleText
from adcompile.emit.names import appearance
from adcompile.emit.source import print_function
from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_blocks, statements, stmt_defs
from adcompile.options import Options
from adcompile.pipeline import derive

ROOT = Path(__file__).resolve().parent.parent
README, DESIGN = ROOT / "README.md", ROOT / "adcompile" / "README.md"
BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
FENCE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def updated(page: Path) -> str:
    """The page with its blocks made anew."""
    text = page.read_text()
    blocks = design_blocks(text) if page == DESIGN else readme_blocks(text)

    def block(match: re.Match[str]) -> str:
        head, name, tail = match.groups()
        language, body = blocks[name]
        return f"{head}```{language}\n{body.strip()}\n```\n{tail}"

    return BLOCK.sub(block, text)


def run_first_block(text: str) -> dict[str, Any]:
    """The names that the first Python block of a page defines."""
    found = FENCE.search(text)
    assert found is not None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "example.py"
        path.write_text(found.group(1))
        fresh = mock.patch.dict(os.environ, ADCOMPILE_CACHE_DIR=folder)
        with contextlib.redirect_stdout(io.StringIO()), fresh:
            return runpy.run_path(str(path))


# ---------------------------------------------------------------- README.md


def readme_blocks(text: str) -> dict[str, tuple[str, str]]:
    loss = run_first_block(text)["loss"]
    return {"forward": ("python", loss.forward_source), "adjoint": ("python", loss.adjoint_source)}


# ---------------------------------------------------------------- adcompile/README.md


def design_blocks(text: str) -> dict[str, tuple[str, str]]:
    stages: dict[str, Any] = {}
    found = FENCE.search(text)
    assert found is not None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "example.py"
        path.write_text(found.group(1))
        func = runpy.run_path(str(path))["relax"]
        types, options = (float64[::1], float64), Options(cache=False, optimise=True)
        made = derive(func, types, Argnums((0, 1), False), False, options, stages.__setitem__)
    names = unique_names(stages["named"])
    generated = made.generated
    blocks = {
        "plain": show(stages["plain"]),
        "ssa": show(stages["ssa"]),
        "resolved": show(stages["resolved"]),
        "named": show(stages["named"]),
        "forward": generated.forward_source,
        "adjoint": generated.adjoint_source,
        "module": outline(made),
    }
    shown = {name: ("python", block) for name, block in blocks.items()}
    shown["facts"] = ("text", facts(stages["problem"], names))
    shown["explain"] = ("text", generated.explanation)
    assert isinstance(stages["derivative"], Derivative)
    return shown


def show(fn: ir.Function) -> str:
    """IR of either dialect as Python, one name per variable; joins and carried values as
    comments."""
    names = unique_names(fn)

    def name(var: ir.Var | None) -> str:
        return "unset" if var is None else names[var]

    def stmt(one: ir.Stmt) -> Iterator[ir.Stmt]:
        one = map_blocks(block, one)
        match one:
            case ir.If(joins=joins):
                yield replace(one, joins=())
                for j in joins:
                    text = f"{name(j.out)} = {name(j.then)} or, else, {name(j.orelse)}"
                    yield ir.Comment(f"join: {text}")
            case ir.For(carried=carried) | ir.While(carried=carried):
                notes = tuple(
                    ir.Comment(
                        f"carried: {name(c.head)} = {name(c.init)} at first, then {name(c.next)}; "
                        f"{name(c.out)} after the loop"
                    )
                    for c in carried
                )
                yield replace(one, carried=(), body=(*notes, *one.body))
            case _:
                yield one

    def block(body: ir.Block) -> ir.Block:
        return tuple(made for one in body for made in stmt(one))

    return print_function(replace(fn, body=block(fn.body)), names)[0]


def unique_names(fn: ir.Function) -> dict[ir.Var, str]:
    counts: dict[str, int] = {}
    names: dict[ir.Var, str] = {}
    every = [*appearance(fn), *(v for s in statements(fn.body) for v in stmt_defs(s))]
    for var in dict.fromkeys(every):
        counts[var.name] = counts.get(var.name, 0) + 1
        k = counts[var.name]
        names[var] = var.name if k == 1 else f"{var.name}_{k}"
    return names


def facts(p: Problem, names: dict[ir.Var, str]) -> str:
    """Types, activity and plan of every variable."""
    rows = [("variable", "type", "active", "in the reverse sweep")]
    for var, name in names.items():
        fate = p.plan.reasons.get(var, "")
        if var in p.plan.shadows:
            fate = "has a shadow"
        kind = str(p.types.get(var, ""))
        rows.append((name, kind, "yes" if var in p.activity else "", fate))
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip() for row in rows]
    tapes = [
        f"tape {tape.array.name}: {', '.join(names[v] for v in tape.slots)}, one row per iteration"
        for layout in p.tapes.values()
        for tape in layout.tapes
    ]
    return "\n".join([*lines, "", *tapes])


def outline(made: ModuleText) -> str:
    """The module without its header, the bodies of the two sweeps left out."""
    text = made.generated.text.split('"""\n\n', 1)[1]
    functions = made.derivative.forward.name, made.derivative.adjoint.name
    for name in functions:
        body = re.compile(rf"(def {name}_\w+\(.*?\):\n).*?\n\n\n", re.DOTALL)
        text = body.sub(r"\1    ...\n\n\n", text)
    return text


def main(arguments: list[str], say: Callable[[str], object] = print) -> int:
    stale = 0
    for page in (README, DESIGN):
        text = updated(page)
        if text != page.read_text():
            stale += 1
            say(f"{page.relative_to(ROOT)} {'rewritten' if '--write' in arguments else 'is stale'}")
            if "--write" in arguments:
                page.write_text(text)
    return 0 if "--write" in arguments else stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
