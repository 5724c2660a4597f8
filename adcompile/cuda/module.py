"""The module of a derivative on the GPU: kernels, and plain Python that launches them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numba.core import types as nt

from adcompile.backends.cpu import Argnums
from adcompile.backends.store import Generated
from adcompile.cuda.first import assign_first
from adcompile.cuda.guards import merge_guards, raise_before
from adcompile.cuda.host import PRODUCT_ADJOINTS, PRODUCTS
from adcompile.cuda.kinds import Types, with_shadows
from adcompile.cuda.limits import checked
from adcompile.cuda.private import carried_in, make_private
from adcompile.cuda.split import Kernel, split
from adcompile.cuda.threads import check_threads
from adcompile.cuda.unread import drop_unread_writes
from adcompile.cuda.unroll import unroll_short
from adcompile.emit.entries import MAKERS, Entry, EntryWriter
from adcompile.emit.names import runtime_names
from adcompile.emit.pieces import digest, exceptions, header, print_named
from adcompile.errors import UnsupportedError
from adcompile.explain import explain
from adcompile.frontend.kernel_forms import waits
from adcompile.ir import nodes as ir
from adcompile.normalise.entry import parameter_arrays
from adcompile.optimise.totals import keep_totals
from adcompile.options import Options
from adcompile.runtime import arrays, likelihood, special

if TYPE_CHECKING:
    from adcompile.pipeline import Differentiated

_DEVICE = (
    "add_up",
    "add_part",
    "lane",
    "lane_x",
    "lane_y",
    "lane_z",
    "block_number",
    "block_count",
    "thread_number",
    "rolled",
    "sign",
    "maximum",
    "minimum",
    "fmax",
    "fmin",
    "cbrt",
    "exp2",
    "logaddexp",
    "rint",
)
_HOST = (
    *("empty", "zeros", "ones", "full", "empty_like", "zeros_like", "ones_like", "full_like"),
    *("copy", "overlap", "set_zero", "zero_from", "workspace"),
    "block_workspace",
)
_WHOLE = ("add_into", "add_number", "move_adjoint")


_CONSTANT = 32_768  # bytes of constant memory that a kernel takes at most
_BLOCKS = "Let blocks exchange nothing but what they add atomically."


@dataclass(frozen=True)
class Part:
    """One function of a derivative: what the host does, its kernels, the types of variables."""

    host: ir.Function
    kernels: list[Kernel]
    types: Types


def prepared(func: Any, made: Differentiated, argnums: Argnums, options: Options) -> Differentiated:
    """``made`` with checks of what its threads take for granted, if it is of a kernel; with the
    shadows that its caller need not fill with zeros."""
    if argnums.mode == "vjp":
        limits = check_threads(func, made.problem)
        if made.fused is not None:
            fn = checked(made.fused.fn, limits, made.problem.fn.loc)
            made = replace(made, fused=replace(made.fused, fn=fn))
    if argnums.mode != "grad" or not options.optimise:  # a kernel's adjoint adds to them
        return made
    types = made.problem.types
    vectors = [v for v, _ in made.derivative.shadows if types[v].ndim == 1]
    if made.fused is not None:
        given = made.fused.fn.params[len(made.problem.fn.params) :]
        shadows = dict(zip((v for v, _ in made.derivative.shadows), given, strict=True))
        fn, whole = made.fused.fn, made.fused.overwritten
    else:
        shadows, fn = dict(made.derivative.shadows), made.derivative.adjoint
        whole = made.derivative.overwritten
    fn, done = assign_first(fn, [shadows[v] for v in vectors if v not in whole])
    whole |= frozenset(v for v, shadow in shadows.items() if shadow in done)
    if made.fused is not None:
        return replace(made, fused=replace(made.fused, fn=fn, overwritten=whole))
    return replace(made, derivative=replace(made.derivative, adjoint=fn, overwritten=whole))


def device_parts(made: Differentiated, options: Options, in_blocks: bool = False) -> list[Part]:
    """The fused function, or forward and adjoint."""
    pair = (made.derivative.forward, made.derivative.adjoint)
    parts: list[Part] = []
    for fn in pair if made.fused is None else (made.fused.fn,):
        types = with_shadows(made, fn)
        if made.fused is not None:
            written = parameter_arrays(made.problem.fn, made.problem.types)
            fn = drop_unread_writes(fn, tuple(written))
        fn = make_private(
            merge_guards(raise_before(fn)),
            made.problem.types,
            made.problem.scopes,
            carried_in(made.problem.fn),
        )
        if options.optimise:
            fn = fn if in_blocks else keep_totals(unroll_short(fn), made.problem.types)
        parts.append(Part(*split(fn, types, made.remarks, options.deterministic, in_blocks)))
    return parts


def write_device_module(
    func: Any, made: Differentiated, argnums: Argnums, options: Options
) -> Generated:
    """Everything printed and put together."""
    p, name = made.problem, made.problem.fn.name
    _check(made, argnums)
    py_func: Callable[..., Any] = getattr(func, "py_func", func)
    constants = {var.name: np.asarray(value) for var, value in p.fn.constants}
    reserved = {"cuda", "kernel", "block_kernel", *constants}

    made = prepared(func, made, argnums, options)
    if waits(func) and made.fused is None:
        raise UnsupportedError(
            f"{name}: blocks cannot run forward and in reverse at once", p.fn.loc, _BLOCKS
        )
    parts = device_parts(made, options, waits(func))
    texts: list[str] = []
    sources: dict[str, str] = {}
    helpers: set[str] = {"add_number"} if argnums.mode == "vjp" else set(MAKERS)
    names: dict[ir.Var, str] = {}
    for part in parts:
        kinds = {var: str(kind) for var, kind in part.types.items()}
        pieces = []
        for one in part.kernels:
            text, _, _ = print_named(one.fn, kinds, reserved)
            made_by = "block_kernel" if one.in_blocks else "kernel"
            helpers |= {made_by}
            pieces.append(f"@{made_by}(sums={one.sums})\n{text}")
            helpers |= runtime_names(one.fn)
        text, named, _ = print_named(part.host, kinds, reserved)
        names.update(named)
        helpers |= runtime_names(part.host) - {k.fn.name for k in part.kernels}
        sources[part.host.name] = "\n\n".join((*pieces, text))
        texts += [*pieces, text]
    if made.fused is not None:  # entries name what they pass to it by the pair's names
        kinds = {var: str(kind) for var, kind in p.types.items()}
        _, names, _ = print_named(made.derivative.adjoint, kinds, set())

    content = hashlib.sha256(
        "\n".join((*texts, repr(options), repr(argnums), digest(constants))).encode()
    )
    suffix = "_" + content.hexdigest()[:10]
    writer = EntryWriter(py_func, p, made.derivative, names, suffix)
    entries: dict[str, Entry] = {}
    if argnums.mode == "vjp":
        entries["backward"] = backward(writer, made)
        texts.append(entries["backward"].text)
    else:
        for kind in ("value_and_grad", "grad"):
            entries[kind] = writer.value_and_grad(argnums, kind, made.has_aux, made.fused)
    body = "\n".join(
        piece
        for piece in (
            header(py_func, p.fn, made.argtypes, options, constants),
            _imports(helpers, texts),
            exceptions(p.fn, texts),
        )
        if piece
    )
    for text in texts[: -len(entries) if argnums.mode == "vjp" else None]:
        for part in parts:
            text = text.replace(f"def {part.host.name}(", f"def {part.host.name}{suffix}(", 1)
        body += f"\n\n{text}"
    for entry in entries.values():
        body += f"\n\n{entry.text}"
    return Generated(
        name=name,
        text=body,
        entries={kind: entry.name for kind, entry in entries.items()},
        forward_source=sources.get(made.derivative.forward.name, ""),
        adjoint_source=sources.get(made.derivative.adjoint.name, ""),
        fused_source=sources.get(made.fused.fn.name) if made.fused is not None else None,
        explanation=explain(func, p, made.remarks.lines),
        constants=constants,
        outputs=writer.outputs(),
    )


def backward(writer: EntryWriter, made: Differentiated) -> Entry:
    """Of a kernel: (*parameters, *adjoints of those of floating type), which are added to; those of
    numbers are arrays of one."""
    name = f"{writer.base}_backward{writer.suffix}"
    shadows = {array: writer.names[shadow] for array, shadow in made.derivative.shadows}
    holders = {v: writer.fresh(f"{v.name}_adj") for v in made.derivative.scalars}
    given = [holders.get(v) or shadows[v] for v in made.problem.inputs]
    if made.fused is not None:
        calls = [writer.call_fused()]
    else:
        calls = [writer.call_forward(writer.value), writer.call_adjoint([])]
    adds = [f"    add_number({holders[v]}, {writer.scalar_adjoint(v)})" for v in holders]
    head = f"def {name}({', '.join([writer.arguments(), *given])}):"
    return Entry(name, "\n".join([head, *calls, *adds]) + "\n")


def _check(made: Differentiated, argnums: Argnums) -> None:
    p = made.problem
    advice = "Leave out target='cuda'."
    if argnums.mode == "jvp":
        raise UnsupportedError("target='cuda' has no forward mode", p.fn.loc, advice)
    for kind in made.argtypes:
        item = kind.dtype if isinstance(kind, nt.Array) else kind
        if not isinstance(item, nt.Float | nt.Integer | nt.Boolean):
            raise UnsupportedError(
                f"{p.fn.name}: an argument of type {kind} on the GPU",
                p.fn.loc,
                "Pass arrays and numbers that are real, one parameter each.",
            )
    if taken := sorted({v.name for v in p.fn.params} & set(MAKERS)):
        raise UnsupportedError(
            f"{p.fn.name}: a parameter named {taken[0]} on the GPU", p.fn.loc, "Rename it."
        )
    sizes = [np.asarray(array).nbytes for _, array in p.fn.constants]
    if p.fn.constants and (argnums.mode != "vjp" or sum(sizes) > _CONSTANT):
        names = ", ".join(var.name for var, _ in p.fn.constants)
        what = f"{sum(sizes)} bytes of " if argnums.mode == "vjp" else ""
        raise UnsupportedError(
            f"{p.fn.name} reads {what}the global array {names}",
            p.fn.loc,
            "Pass it as an argument.",
        )
    if p.fn.callees:
        raise UnsupportedError(
            f"{p.fn.name} calls a function that is compiled apart", p.fn.loc, advice
        )
    if p.arenas.places:
        array = next(iter(p.arenas.places))
        loc = getattr(p.scopes.defined_by.get(array), "loc", p.fn.loc)
        raise UnsupportedError(
            f"the name {array.name} stands for arrays that a loop makes", loc, advice
        )
    if p.stack is not None:
        raise UnsupportedError(f"{p.fn.name} calls library functions in a loop", p.fn.loc, advice)


def _imports(helpers: set[str], texts: list[str]) -> str:
    lines = ["import math", "", "import numpy as np", ""]
    ours = {"adcompile.cuda.package": ["cuda"]}
    ours |= {"adcompile.cuda.device": [n for n in _DEVICE if n in helpers]}
    launch = [n for n in ("kernel", "block_kernel", *_HOST) if n in helpers]
    ours["adcompile.cuda.launch"] = launch
    ours["adcompile.cuda.elementwise"] = [n for n in _WHOLE if n in helpers]
    matrices = (*PRODUCTS, *PRODUCT_ADJOINTS)
    ours["adcompile.cuda.products"] = [n for n in matrices if n in helpers]
    for module in (arrays, likelihood, special):
        ours[module.__name__] = [
            n
            for n in helpers
            if n not in (*_HOST, *_WHOLE)
            and getattr(getattr(module, n, None), "__module__", "") == module.__name__
        ]
    for place in sorted(ours):
        if ours[place]:
            lines.append(f"from {place} import {', '.join(sorted(ours[place]))}")
    return "\n".join(lines) + "\n"
