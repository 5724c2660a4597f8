"""Shadows: the arrays that hold the adjoints of arrays."""

from __future__ import annotations

from typing import TypeAlias

from numba.core import types as nt

from adcompile.analysis.activity import is_complex
from adcompile.analysis.scope import Loop, Scopes
from adcompile.errors import Loc
from adcompile.ir import nodes as ir
from adcompile.ir.walk import reads
from adcompile.normalise.places import Arenas
from adcompile.normalise.references import Selections
from adcompile.storage.plan import Plan

Out: TypeAlias = list[ir.Stmt]


class Shadows:
    """Makes shadows, and finds the shadow of what a variable names."""

    def __init__(
        self,
        types: dict[ir.Var, nt.Type],
        scopes: Scopes,
        plan: Plan,
        shapes: dict[ir.Var, tuple[ir.Expr, ...]],
        selections: Selections,
        arenas: Arenas,
        given: dict[ir.Var, ir.Var],
    ) -> None:
        self.types, self.scopes, self.plan, self.shapes = types, scopes, plan, shapes
        self.selections, self.arenas = selections, arenas
        self.arena_vars = {t: ir.Var("arena_adj") for t in arenas.ends}
        self.shadow: dict[ir.Var, ir.Var] = dict(given)
        self.given = frozenset(given)

    def shadow_of(self, array: ir.Var) -> ir.Var:
        if array not in self.shadow:
            self.shadow[array] = ir.Var(f"{array.name}_adj")
        return self.shadow[array]

    def zero(self, var: ir.Var) -> ir.Const:
        return ir.Const(0j if is_complex(self.types.get(var)) else 0.0)

    def moved(self, source: ir.Var, array: ir.Var, part_adj: ir.Var, loc: Loc) -> ir.Stmt:
        """The adjoint of copying ``source`` into a part of ``array``, which has that shadow."""
        mixed = is_complex(self.types[array]) and not is_complex(self.types[source])
        helper = "rt.move_real_adjoint" if mixed else "rt.move_adjoint"
        return ir.Do(helper, (self.shadow_of(source), part_adj), loc)

    def make_arenas(self) -> Out:
        """Memory for the shadows of arrays that wander; those given by the caller move there."""
        out: Out = []
        for dtype, end in self.arenas.ends.items():
            if end in self.plan.kept:
                shape = (end, ir.Const(f"np.{dtype}"))
                out.append(ir.Alloc(self.arena_vars[dtype], "np.zeros", shape))
        for array in list(self.shadow):
            place = self.arenas.places.get(array)
            if place is not None and self.arenas.ends[place.dtype] in self.plan.kept:
                given = self.shadow.pop(array)
                out.append(self.select_shadow(array))
                out.append(ir.Do("rt.move_adjoint", (self.shadow_of(array), given)))
        return out

    def missing_shadows(self, arrays: list[ir.Var]) -> Out:
        """Make the shadows of array parameters that no caller provides."""
        out: Out = []
        for array in arrays:
            if array in self.plan.shadows and array not in self.given:
                if array in self.arenas.places:
                    out.append(self.select_shadow(array))
                else:
                    out.append(self.zeros(self.shadow_of(array), array))
        self.given = self.given | frozenset(arrays)
        return out

    def wants_shadow(self, var: ir.Var) -> bool:
        return var in self.plan.shadows and var not in self.given

    def known_after(self, array: ir.Var) -> int:
        """The last statement, in order, on which the place of an array depends."""
        order, defined = self.scopes.order, self.scopes.defined_by
        parts = [v for part in self.arenas.places[array].parts for v in reads(part)]
        return max((order[id(defined[v])] for v in (array, *parts) if v in defined), default=-1)

    def make_shadow(self, var: ir.Var, stmt: ir.Stmt, loop: Loop | None, out: Out) -> None:
        target = self.shadow_of(var)
        match stmt:
            case ir.View(_, base, index):
                out.append(ir.View(target, self.shadow_of(base), index, stmt.loc))
            case ir.Alloc() | ir.Call() | ir.Custom() | ir.Copy():
                out.append(self.zeros(target, var))
            case ir.For() | ir.While():
                out.append(self.select_shadow(var))
            case _:
                pass  # joins are made by replay_if

    def select_shadow(self, var: ir.Var) -> ir.Stmt:
        """``if u_ref == 0: u_adj = a_adj`` and so on, or a place in the arena."""
        target = self.shadow_of(var)
        if (place := self.arenas.places.get(var)) is not None:
            size = ir.Const(place.dtype.bitwidth // 8)
            strides = ir.MakeTuple(tuple(ir.Binary("*", s, size) for s in place.strides))
            layout = (place.offset, ir.MakeTuple(place.dims), strides)
            arena = self.arena_vars[place.dtype]
            return ir.Assign(target, ir.Apply("rt.place", (arena, *layout)))
        selection = self.selections[var]
        *others, (_, last) = selection.arrays
        chain: ir.Stmt = ir.View(target, self.shadow_of(last), ())
        for code, array in reversed(others):
            chosen = ir.View(target, self.shadow_of(array), ())
            test = ir.Compare("==", selection.number, ir.Const(code))
            chain = ir.If(test, (chosen,), (chain,))
        return chain

    def zeros(self, target: ir.Var, array: ir.Var) -> ir.Stmt:
        kind = self.types[array]
        assert isinstance(kind, nt.Array)
        if array in self.shapes:
            dims = self.shapes[array]
            shape = dims[0] if len(dims) == 1 else ir.MakeTuple(dims)
            return ir.Alloc(target, "np.zeros", (shape, ir.Const(f"np.{kind.dtype}")))
        return ir.Alloc(target, "np.zeros_like", (array,))
