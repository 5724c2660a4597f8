"""The module: header, imports, the forward and adjoint functions, the entries."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba.core import types as nt

from adcompile.adjoint.assemble import Derivative, Problem
from adcompile.adjoint.contract import may_contract
from adcompile.adjoint.fused import Fused
from adcompile.backends.cpu import Argnums
from adcompile.backends.store import Generated
from adcompile.emit.entries import MAKERS, Entry, EntryWriter
from adcompile.emit.names import runtime_names
from adcompile.emit.pieces import decorator, digest, exceptions, header, imports, print_named
from adcompile.errors import Loc
from adcompile.makers import makers_in
from adcompile.options import Options


@dataclass(frozen=True)
class ModuleText:
    """``generated`` for the store; ``lines`` maps lines of its text to the user's source."""

    generated: Generated
    lines: Mapping[int, Loc]
    problem: Problem
    derivative: Derivative


def write_module(
    func: Any,
    problem: Problem,
    derivative: Derivative,
    fused: Fused | None,
    argnums: Argnums,
    has_aux: bool,
    options: Options,
    argtypes: tuple[nt.Type, ...],
    notes: str,
) -> ModuleText:
    """Print everything and put it together."""
    py_func: Callable[..., Any] = getattr(func, "py_func", func)
    constants = {var.name: np.asarray(value) for var, value in problem.fn.constants}
    reserved = {*constants, *problem.fn.makers, *makers_in(argtypes)}
    kinds = {var: str(kind) for var, kind in problem.types.items()}
    forward, _, forward_lines = print_named(derivative.forward, kinds, reserved, options.parallel)
    adjoint, names, adjoint_lines = print_named(
        derivative.adjoint, kinds, reserved, options.parallel
    )

    pair = [(forward, forward_lines, f"{problem.fn.name}_forward")]
    pair.append((adjoint, adjoint_lines, f"{problem.fn.name}_adjoint"))
    helpers = set(MAKERS) | runtime_names(derivative.forward) | runtime_names(derivative.adjoint)
    fused_source: str | None = None
    if fused is not None:
        fused_source, _, fused_lines = print_named(fused.fn, kinds, reserved, options.parallel)
        pair.append((fused_source, fused_lines, f"{problem.fn.name}_fused"))
        helpers |= runtime_names(fused.fn)

    texts = [text for text, _, _ in pair]
    content = "\n".join((*texts, str(options), str(argnums), digest(constants)))
    suffix = "_" + hashlib.sha256(content.encode()).hexdigest()[:10]
    base = problem.fn.name
    writer = EntryWriter(py_func, problem, derivative, names, suffix)
    entries: dict[str, Entry] = {}
    if argnums.mode == "vjp":
        entries["forward"] = writer.forward_entry()
        entries["pullback"] = writer.pullback_entry()
    else:
        for kind in ("value_and_grad", "grad"):
            entries[kind] = writer.value_and_grad(argnums, kind, has_aux, fused)

    top = header(py_func, problem.fn, argtypes, options, constants)
    contract = options.optimise and options.contract and may_contract(derivative.adjoint)
    reverse_options = options.contracted() if contract else options
    pieces = [top, imports(sorted(helpers), texts), exceptions(problem.fn, texts)]
    lines: dict[int, Loc] = {}
    body = "\n".join(piece for piece in pieces if piece)
    for text, line_map, short in pair:
        own = reverse_options if text is adjoint else options
        body += f"\n\n{decorator(own, text)}\n"
        offset = body.count("\n")
        body += text.replace(f"def {short}(", f"def {short}{suffix}(", 1)
        lines.update({line + offset: loc for line, loc in line_map.items()})
    for entry in entries.values():
        body += f"\n\n{decorator(options, entry.text)}\n{entry.text}"
    generated = Generated(
        name=base,
        text=body,
        entries={kind: entry.name for kind, entry in entries.items()},
        forward_source=forward,
        adjoint_source=adjoint,
        fused_source=fused_source,
        explanation=notes,
        constants=constants,
        outputs=writer.outputs(),
        callees=problem.fn.callees,
    )
    return ModuleText(generated, lines, problem, derivative)
