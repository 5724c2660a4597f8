"""The module: header, imports, the forward and adjoint functions, the entries."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numba.core import types as nt

from adcompile.adjoint.assemble import Derivative, Problem
from adcompile.adjoint.contract import may_contract
from adcompile.backends.cpu import Argnums
from adcompile.backends.store import Generated
from adcompile.emit.entries import Entry, EntryWriter
from adcompile.emit.names import assign_names
from adcompile.emit.nest import nest
from adcompile.emit.source import print_function, runtime_names
from adcompile.errors import AliasError, Loc
from adcompile.ir import nodes as ir
from adcompile.options import Options
from adcompile.version import __version__

_SPECIAL = ("digamma",)


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
    fused: ir.Function | None,
    argnums: Argnums,
    has_aux: bool,
    options: Options,
    argtypes: tuple[nt.Type, ...],
    notes: str,
) -> ModuleText:
    """Print everything and put it together."""
    py_func: Callable[..., Any] = getattr(func, "py_func", func)
    constants = {var.name: np.asarray(value) for var, value in problem.fn.constants}
    kinds = {var: str(kind) for var, kind in problem.types.items()}
    forward, _, forward_lines = _print(derivative.forward, kinds, set(constants))
    adjoint, names, adjoint_lines = _print(derivative.adjoint, kinds, set(constants))

    pair = [(forward, forward_lines, f"{problem.fn.name}_forward")]
    pair.append((adjoint, adjoint_lines, f"{problem.fn.name}_adjoint"))
    helpers = runtime_names(derivative.forward) | runtime_names(derivative.adjoint)
    fused_source: str | None = None
    if fused is not None:
        fused_source, _, fused_lines = _print(fused, kinds, set(constants))
        pair.append((fused_source, fused_lines, f"{problem.fn.name}_fused"))
        helpers |= runtime_names(fused)

    texts = [text for text, _, _ in pair]
    content = "\n".join((*texts, str(options), str(argnums), _digest(constants)))
    suffix = "_" + hashlib.sha256(content.encode()).hexdigest()[:10]
    base = problem.fn.name
    writer = EntryWriter(py_func, problem, derivative, names, suffix)
    entries: dict[str, Entry] = {}
    if argnums.vjp:
        entries["forward"] = writer.forward_entry()
        entries["pullback"] = writer.pullback_entry()
    else:
        entries["value_and_grad"] = writer.value_and_grad(
            argnums, "value_and_grad", has_aux, fused is not None
        )
        entries["grad"] = writer.value_and_grad(argnums, "grad", has_aux, fused is not None)

    header = _header(py_func, problem, argtypes, options, constants)
    flags = _flags(options)
    imports = _imports(sorted(helpers))
    decorator = f"@njit({flags})"
    contract = options.optimise and options.contract and may_contract(derivative.adjoint)
    reverse_options = options.contracted() if contract else options
    pieces = [header, imports, _exceptions(problem.fn, texts)]
    lines: dict[int, Loc] = {}
    body = "\n".join(piece for piece in pieces if piece)
    for text, line_map, short in pair:
        own = f"@njit({_flags(reverse_options)})" if text is adjoint else decorator
        body += f"\n\n{own}\n"
        offset = body.count("\n")
        body += text.replace(f"def {short}(", f"def {short}{suffix}(", 1)
        lines.update({line + offset: loc for line, loc in line_map.items()})
    for entry in entries.values():
        body += f"\n\n{decorator}\n{entry.text}"
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
    )
    return ModuleText(generated, lines, problem, derivative)


def _print(
    fn: ir.Function, kinds: Mapping[ir.Var, str], reserved: set[str]
) -> tuple[str, dict[ir.Var, str], dict[int, Loc]]:
    fn = nest(fn)
    wanted = list(fn.params)
    named, names = assign_names(fn, reserved, kinds)
    for var in wanted:
        names.setdefault(var, var.name)
    text, lines = print_function(named, names)
    return text, names, lines


def _flags(options: Options) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in options.decorator().items())


def _imports(helpers: list[str]) -> str:
    lines = ["import math", "", "import numpy as np", "from numba import njit"]
    special = [h for h in helpers if h in _SPECIAL]
    arrays = [h for h in helpers if h not in _SPECIAL]
    if arrays:
        lines.append(f"from adcompile.runtime.arrays import {', '.join(arrays)}")
    if special:
        lines.append(f"from adcompile.runtime.special import {', '.join(special)}")
    return "\n".join(lines) + "\n"


def _exceptions(fn: ir.Function, texts: list[str]) -> str:
    classes = [cls for _, cls in fn.exceptions]
    if any("raise AliasError(" in text for text in texts):  # from the head of the forward sweep
        classes.append(AliasError)
    lines = [
        f"from {cls.__module__} import {cls.__name__}"
        for cls in classes
        if cls.__module__ != "builtins"
    ]
    return "\n".join(dict.fromkeys(lines)) + ("\n" if lines else "")


def _header(
    func: Callable[..., Any],
    problem: Problem,
    argtypes: tuple[nt.Type, ...],
    options: Options,
    constants: Mapping[str, np.ndarray[Any, Any]],
) -> str:
    shown = ", ".join(
        f"{p.name}: {kind}" for p, kind in zip(problem.fn.params, argtypes, strict=True)
    )
    lines = [
        f'"""Derivative of {func.__module__}.{func.__qualname__}, generated by adcompile',
        f"{__version__} (Numba {numba.__version__}, NumPy {np.__version__}).",
        "",
        f"Source: {problem.fn.loc.file.rsplit('/', 1)[-1]}, line {problem.fn.loc.line}.",
        f"Arguments: {shown}.",
        f"Options: {options.described()}.",
    ]
    if constants:
        lines.append(f"Captured arrays: {', '.join(constants)} ({_digest(constants)}).")
    lines.append('"""')
    return "\n".join(lines) + "\n"


def _digest(constants: Mapping[str, np.ndarray[Any, Any]]) -> str:
    digest = hashlib.sha256()
    for name, value in constants.items():
        digest.update(f"{name}{value.dtype}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()[:16]
