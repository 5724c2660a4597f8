"""The functions that users reach: short Python texts around the forward and adjoint functions."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from numba.core import types as nt

from adcompile.adjoint.assemble import Derivative, Problem, result_leaves
from adcompile.adjoint.fused import Fused
from adcompile.analysis.alias import written_roots
from adcompile.backends.cpu import Argnums
from adcompile.backends.values import is_differentiable
from adcompile.ir import nodes as ir
from adcompile.makers import maker_of
from adcompile.normalise.entry import parameter_arrays

Names = Mapping[ir.Var, str]


@dataclass(frozen=True)
class Entry:
    """One function of the module: its name and its text, undecorated."""

    name: str
    text: str


MAKERS = frozenset(("empty", "zeros"))  # what makes gradients


class EntryWriter:
    """Writes the entries of one derivative."""

    def __init__(
        self,
        func: Callable[..., Any],
        problem: Problem,
        derivative: Derivative,
        names: Names,
        suffix: str,
    ) -> None:
        self.func, self.p, self.d, self.names = func, problem, derivative, names
        self.suffix = suffix
        self.base = problem.fn.name
        self.paths = self.leaf_paths()
        # Names of the user's that entries contain, beside which theirs must be others.
        self.taken = {p.name for p in problem.fn.params}
        self.taken |= {names[v] for v in derivative.arguments}
        self.taken |= {names[shadow] for _, shadow in derivative.shadows}
        self.value, self.cotangent = self.fresh("value"), self.fresh("cotangent")
        self.residuals, self.rest = self.fresh("residuals"), self.fresh("_")
        self.adjoints = {v: self.fresh(f"{v.name}_adj_out") for v in derivative.scalars}
        self.written = [
            v for v in parameter_arrays(problem.fn, problem.types) if v in self.written_roots()
        ]

    def fresh(self, wish: str) -> str:
        while wish in self.taken:
            wish += "_out"
        self.taken.add(wish)
        return wish

    def maker(self, kind: str) -> str:
        """``empty`` or ``zeros``."""
        return f"np.{kind}" if kind in self.taken else kind

    def written_roots(self) -> set[ir.Var]:
        return written_roots(self.p.fn, self.p.roots)

    def leaf_paths(self) -> dict[ir.Var, str]:
        """Python expressions for parameters and the items of tuple parameters."""
        paths: dict[ir.Var, str] = {p: p.name for p in self.p.fn.params}
        for stmt in self.p.fn.body:
            match stmt:
                case ir.Assign(target, ir.TupleGet(ir.Var() as whole, k)) if whole in paths:
                    paths[target] = f"{paths[whole]}[{k}]"
                case _:
                    pass
        return paths

    # ------------------------------------------------------------ pieces

    def signature(self) -> str:
        """Parameters with their literal defaults."""
        found = inspect.signature(self.func).parameters
        parts: list[str] = []
        for param in self.p.fn.params:
            default = found[param.name].default if param.name in found else inspect.Parameter.empty
            literal = isinstance(default, int | float | complex | bool | str) or default is None
            if param.name in found and found[param.name].kind is inspect.Parameter.VAR_POSITIONAL:
                parts.append(f"{param.name}=()")  # always given; behind defaults it needs one
            elif default is not inspect.Parameter.empty and literal:
                parts.append(f"{param.name}={default!r}")
            else:
                parts.append(param.name)
        return ", ".join(parts)

    def arguments(self) -> str:
        return ", ".join(p.name for p in self.p.fn.params)

    def made(self) -> list[str]:
        """Names of the residuals that the forward function returns."""
        return [
            self.names[argument]
            for v, argument in zip(self.d.residuals, self.d.arguments, strict=True)
            if v not in self.p.fn.params or v in self.written
        ]

    def call_forward(self, result: str) -> str:
        targets = ", ".join([result, *self.made()])
        comma = "," if not self.made() else ""
        return f"    ({targets}{comma}) = {self.base}_forward{self.suffix}({self.arguments()})"

    def make_shadows(self, overwritten: Set[ir.Var]) -> list[str]:
        lines: list[str] = []
        for array, shadow in self.d.shadows:
            kind = self.p.types[array]
            assert isinstance(kind, nt.Array)
            dtype = f"np.{kind.dtype}"
            make = self.maker("empty" if array in overwritten else "zeros")
            lines.append(f"    {self.names[shadow]} = {make}({self.paths[array]}.shape, {dtype})")
        return lines

    def call_adjoint(self, seeds: list[str]) -> str:
        given = [self.names[v] for v in self.d.arguments]
        given += [*seeds, *(self.names[s] for _, s in self.d.shadows)]
        call = f"{self.base}_adjoint{self.suffix}({', '.join(given)})"
        if not self.d.scalars:
            return f"    {call}"
        targets = ", ".join(self.scalar_adjoint(v) for v in self.d.scalars)
        return f"    ({targets},) = {call}"

    def scalar_adjoint(self, var: ir.Var) -> str:
        return self.adjoints[var]

    def gradient_of(self, var: ir.Var) -> str:
        """The gradient of a parameter, in its structure."""
        kind = self.p.types[var]
        if not is_differentiable(kind):
            return "None"
        if isinstance(kind, nt.BaseTuple):
            return self.gradient_at(self.paths[var], kind)
        for array, shadow in self.d.shadows:
            if array is var:
                return self.names[shadow]
        if var in self.d.scalars:
            return self.scalar_adjoint(var)
        return "None"

    def gradient_at(self, path: str, kind: nt.Type) -> str:
        """The same of a tuple or of an item of one."""
        if isinstance(kind, nt.BaseTuple):
            items = [self.gradient_at(f"{path}[{k}]", part) for k, part in enumerate(kind)]
            return made_tuple(items, maker_of(kind))
        if not is_differentiable(kind):
            return "None"
        return self.gradient_of(next(v for v, place in self.paths.items() if place == path))

    def gradients(self, argnums: Argnums) -> str:
        found = [self.gradient_of(self.p.fn.params[k]) for k in argnums]
        return found[0] if argnums.single else f"({', '.join(found)},)"

    # ------------------------------------------------------------ entries

    def value_and_grad(
        self, argnums: Argnums, kind: str, has_aux: bool, fused: Fused | None
    ) -> Entry:
        name = f"{self.base}_{kind}{self.suffix}"
        grads = self.gradients(argnums)
        if kind == "value_and_grad":
            result = f"{self.value}, {grads}"
        else:
            result = f"{grads}, {self.value}[1]" if has_aux else grads
        if fused is not None:
            calls = [*self.make_shadows(fused.overwritten), self.call_fused()]
        else:
            calls = [
                self.call_forward(self.value),
                *self.make_shadows(self.d.overwritten),
                self.call_adjoint(["1.0"] * len(self.d.seeded)),
            ]
        lines = [f"def {name}({self.signature()}):", *calls, f"    return {result}"]
        return Entry(name, "\n".join(lines) + "\n")

    def call_fused(self) -> str:
        given = [p.name for p in self.p.fn.params] + [self.names[s] for _, s in self.d.shadows]
        targets = [self.value, *(self.scalar_adjoint(v) for v in self.d.scalars)]
        comma = "," if len(targets) == 1 else ""
        call = f"{self.base}_fused{self.suffix}({', '.join(given)})"
        return f"    ({', '.join(targets)}{comma}) = {call}"

    def forward_entry(self) -> Entry:
        """``(out, residuals)``; out and residuals share no memory with anything else."""
        name = f"{self.base}_vjp{self.suffix}"
        pairs = zip(self.d.residuals, self.d.arguments, strict=True)
        kept = [self.copied(self.names[argument], v) for v, argument in pairs]
        kept += [f"{self.paths[a]}.shape" for a, _ in self.d.shadows]
        lines = [
            f"def {name}({self.signature()}):",
            self.call_forward(self.value),
            f"    return {self.output()}, ({', '.join([*kept, '0'])},)",
        ]
        return Entry(name, "\n".join(lines) + "\n")

    def pullback_entry(self) -> Entry:
        """``(residuals, cotangent of out) -> cotangents``, one per parameter."""
        name = f"{self.base}_pullback{self.suffix}"
        kept = [self.names[v] for v in self.d.arguments]
        shapes = [self.fresh(f"{self.names[s]}_shape") for _, s in self.d.shadows]
        finals = dict(zip(self.written, self.final_cotangents(), strict=True))
        lines = [
            f"def {name}({self.residuals}, {self.cotangent}):",
            f"    ({', '.join([*kept, *shapes, self.rest])},) = {self.residuals}",
        ]
        for (array, shadow), shape in zip(self.d.shadows, shapes, strict=True):
            kind = self.p.types[array]
            assert isinstance(kind, nt.Array)
            if array in finals:
                lines.append(f"    {self.names[shadow]} = {finals[array]}.copy()")
            else:
                make = self.maker("empty" if array in self.d.overwritten else "zeros")
                lines.append(f"    {self.names[shadow]} = {make}({shape}, np.{kind.dtype})")
        seeds = [cotangent for v, cotangent in self.cotangents() if v in self.d.seeded]
        lines.append(self.call_adjoint(seeds))
        grads = ", ".join(self.gradient_of(p) for p in self.p.fn.params)
        lines.append(f"    return ({grads},)")
        return Entry(name, "\n".join(lines) + "\n")

    def copied(self, text: str, var: ir.Expr) -> str:
        is_array = isinstance(var, ir.Var) and isinstance(self.p.types.get(var), nt.Array)
        return f"{text}.copy()" if is_array else text

    def result(self) -> tuple[ir.Expr, ...]:
        """The leaves of the returned value; a None is none."""
        return tuple(e for e in result_leaves(self.p.fn) if e != ir.Const(None))

    def returned(self) -> ir.Expr:
        last = self.p.fn.body[-1]
        assert isinstance(last, ir.Return)
        return last.values[0] if last.values else ir.Const(None)

    def output(self) -> str:
        """What is returned; if arrays are written, its items and their final contents."""
        whole = self.returned()
        known = dict(zip(self.d.residuals, self.d.arguments, strict=True))
        finals = [self.copied(self.names[known[v]], v) for v in self.written]
        if not finals:
            return self.own(whole, self.value)
        if isinstance(whole, ir.MakeTuple):
            items = [self.own(e, f"{self.value}[{k}]") for k, e in enumerate(whole.items)]
            return made_tuple([*items, *finals])
        items = [] if whole == ir.Const(None) else [self.own(whole, self.value)]
        return made_tuple([*items, *finals]) if items or len(finals) > 1 else finals[0]

    def own(self, expr: ir.Expr, path: str) -> str:
        """A result or a part of it, its arrays copied."""
        if isinstance(expr, ir.MakeTuple):
            items = [self.own(item, f"{path}[{k}]") for k, item in enumerate(expr.items)]
            return made_tuple(items, expr.maker)
        return "None" if expr == ir.Const(None) else self.copied(path, expr)

    def cotangents(self) -> list[tuple[ir.Expr, str]]:
        """The leaves of the result, and where in the cotangent of the output theirs are."""
        whole = self.returned()
        if isinstance(whole, ir.MakeTuple):
            return list(places(whole, self.cotangent))
        if whole == ir.Const(None):
            return []
        return [(whole, f"{self.cotangent}[0]" if self.written else self.cotangent)]

    def final_cotangents(self) -> list[str]:
        whole = self.returned()
        before = len(whole.items) if isinstance(whole, ir.MakeTuple) else 1
        if whole == ir.Const(None):
            if len(self.written) == 1:
                return [self.cotangent]
            before = 0
        return [f"{self.cotangent}[{before + k}]" for k in range(len(self.written))]

    def outputs(self) -> str:
        """In words: what ``out`` of vjp holds."""
        kinds = [str(self.p.types[v]) if isinstance(v, ir.Var) else repr(v) for v in self.result()]
        return ", ".join([*kinds, *(f"final {v.name}" for v in self.written)])


def places(expr: ir.Expr, path: str) -> Iterator[tuple[ir.Expr, str]]:
    """The leaves of a tuple, and how to reach them."""
    if isinstance(expr, ir.MakeTuple):
        for k, item in enumerate(expr.items):
            yield from places(item, f"{path}[{k}]")
    elif expr != ir.Const(None):
        yield expr, path


def made_tuple(items: list[str], maker: str = "") -> str:
    """A tuple, or a NamedTuple, as text."""
    inner = ", ".join(items)
    return f"{maker}({inner})" if maker else f"({inner},)" if items else "()"
