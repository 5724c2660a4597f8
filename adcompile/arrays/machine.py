"""What the expansion of whole-array statements keeps: pulls by variable, the open loop nest, and
which extents are known to be equal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from numba.core import types as nt

from adcompile.arrays import contractions, functions, reductions, shapes, subscripts
from adcompile.arrays.elementwise import (
    Build,
    OfUser,
    cast,
    component,
    function_named,
    literal,
    mapped,
    operator_named,
    result_dtype,
)
from adcompile.arrays.emitter import Emitter, Options, Types, array_type
from adcompile.arrays.extents import Extents
from adcompile.arrays.nest import Nest
from adcompile.arrays.pull import Dims, Pull, of_array, of_scalar, rearranged
from adcompile.arrays.uses import Uses, all_reads
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_expr, rename_stmt

_ONE = ir.Const(1)
_READERS = ir.Return | ir.Copy | ir.Alloc | ir.Assign | ir.Call | ir.Custom


class Machine(Extents, Uses):
    regroup = False  # whether sums of arrays may be made in another order
    compiled = False  # whether the user's function is a Dispatcher: then Numba says what is a view

    def __init__(self, fn: ir.Function, types: Types) -> None:
        Extents.__init__(self, types)
        Uses.__init__(self, fn, types)
        self.nest: Nest | None = None
        self.lazy: dict[ir.Var, tuple[Pull, ir.Stmt, set[int]]] = {}
        self.aliases: dict[ir.Var, Pull] = {}
        self.bases: dict[ir.Var, tuple[ir.Var, tuple[ir.Index, ...]]] = {}
        self.made_of: dict[ir.Var, frozenset[ir.Var]] = {}  # the roots of what has another name
        self.made_by_library: set[ir.Var] = set()
        self.parts: dict[ir.Var, tuple[ir.Expr, ...]] = {}  # of tuples
        self.loops = 0  # of the user around the statement

    # ------------------------------------------------------------ pulls

    def is_fresh(self, array: ir.Var, stmt: ir.Stmt) -> bool:
        """An array of the open nest that only ``stmt`` reads: writing into it needs no memory."""
        if self.nest is None or array not in self.nest.elements or array in self.views:
            return False
        return set(self.readers.get(array, ())) <= self.done | {id(stmt)}

    def pull(self, var: ir.Var) -> Pull:
        """What a variable holds, as an operand."""
        if var in self.lazy:
            return contractions.computed(self, self.waiting(var))
        if var in self.aliases:
            return self.aliases[var]
        if isinstance(self.types.get(var), nt.Array):
            return self.pull_of(var)
        if self.nest is not None and var in self.nest.results:
            self.close()
        return self.scalar(var)

    def waiting(self, var: ir.Var) -> Pull:
        """What a variable that waits holds."""
        found, stmt, consumed = self.lazy.pop(var)
        self.consumed |= {id(stmt), *consumed}
        return found

    def sum(self, expr: ir.Expr) -> Pull:
        """As ``tree``, but for products that are not computed yet."""
        match expr:
            case ir.Var() if expr in self.lazy:
                return self.waiting(expr)
            case ir.Binary("+" as op, a, b):
                x, y = self.sum(a), self.sum(b)
                if self.regroup and (found := contractions.added(self, x, y)) is not None:
                    return found
                parts = [contractions.computed(self, part) for part in (x, y)]
                return self.elementwise(op, lambda p: ir.Binary(op, p[0], p[1]), parts)
            case ir.Apply(fn) if fn.startswith(functions.PREFIX):
                made = functions.call(self, expr, None)
                assert isinstance(made, Pull)
                return made
            case _:
                return self.tree(expr)

    def tree(self, expr: ir.Expr) -> Pull:
        """The pull of an expression whose operands are arrays and numbers."""
        match expr:
            case ir.Var():
                return self.pull(expr)
            case ir.Const():
                return literal(expr, self.out.loc)
            case ir.Unary(op, x):
                return self.elementwise(op, lambda a: ir.Unary(op, a[0]), [self.tree(x)])
            case ir.Binary("+"):
                return contractions.computed(self, self.sum(expr))
            case ir.Binary(op, a, b):
                parts = [self.tree(a), self.tree(b)]
                return self.elementwise(op, lambda p: ir.Binary(op, p[0], p[1]), parts)
            case ir.Compare(op, a, b):
                parts = [self.tree(a), self.tree(b)]
                return self.elementwise(op, lambda p: ir.Compare(op, p[0], p[1]), parts)
            case ir.Apply("np.real" | "np.imag" as fn, (base,)):
                return component(self, fn, self.tree(base))
            case ir.Apply(fn, args) if function_named(fn) is not None:
                parts = [self.tree(arg) for arg in args]
                return self.elementwise(fn, lambda p: ir.Apply(fn, tuple(p)), parts)
            case ir.Apply(fn) if fn.startswith(functions.PREFIX):
                return contractions.computed(self, self.sum(expr))
            case ir.Subscript(base, index):
                return subscripts.getitem(self, self.tree(base), index)
            case ir.Attribute(base, "T"):
                return shapes.transpose(self, self.tree(base))
            case ir.Load():
                return self.scalar(self.out.named(self.plain(expr), self.element_type(expr)))
            case ir.Dim():
                return self.scalar(self.out.named(self.plain(expr), nt.int64))
            case _:
                raise UnsupportedError(
                    "this expression of whole arrays",
                    self.out.loc,
                    "Give its parts names, or write it as a loop.",
                )

    def pull_of(self, array: ir.Var) -> Pull:
        """An array of the open nest, or one in memory."""
        kind = self.types[array]
        assert isinstance(kind, nt.Array)
        memory = of_array(array, kind, self.dims_of(array))

        def at(out: Emitter, index: tuple[ir.Expr, ...]) -> ir.Expr:
            nest = self.nest
            if nest is not None and array in nest.elements:
                if out is not nest.body or index != nest.index:
                    raise AssertionError(f"{array} is read before its nest is closed")
                return nest.elements[array]
            return memory.at(out, index)

        return replace(memory, at=at)

    def scalar(self, value: ir.Expr) -> Pull:
        assert isinstance(value, ir.Var)
        return of_scalar(value, self.types[value])

    def elementwise(self, spelled: str, build: Build, operands: Sequence[Pull]) -> Pull:
        """An operator or function of numbers on arrays, which broadcast."""
        f = function_named(spelled) or operator_named(spelled, len(operands))
        if isinstance(f, OfUser) and not f.elementwise and any(p.rank for p in operands):
            f.refuse_arrays(self.out.loc)
        if spelled in ("+", "*") and isinstance(self.result(f, operands), nt.Boolean):
            logic = "|" if spelled == "+" else "&"
            return self.combine(f, lambda p: ir.Binary(logic, p[0], p[1]), operands)
        whole = spelled == "**" and operands[1].weak and operands[1].dtype is nt.int64
        if whole or (spelled in ("np.round", "np.around", "np.ldexp") and len(operands) == 2):
            places = operands[1]  # integers, which stay what they are
            if not places.rank:
                atom, kind = places.at(self.out, ()), result_dtype(f, operands, self.out.loc)
                return self.combine(f, lambda p: build((p[0], atom)), operands[:1], kind)
        return self.combine(f, build, operands)

    def combine(
        self,
        f: Callable[..., object],
        build: Build,
        operands: Sequence[Pull],
        dtype: nt.Type | None = None,
    ) -> Pull:
        dtype = dtype or self.result(f, operands)
        dims = self.common(operands, late=True)
        operands = [self.once(p, dims) for p in operands]
        if isinstance(dtype, nt.Boolean) and f is operator_named("~", 1):
            return mapped(dims, dtype, lambda a: ir.Unary("not", a[0]), operands)
        return mapped(dims, dtype, build, operands)

    def once(self, pull: Pull, dims: Dims) -> Pull:
        """``pull``, kept as an array if broadcasting would compute its elements again and again."""
        found = self.stretched(pull, dims) if self.may_be_one else pull
        repeats = found is not pull or (0 < pull.rank < len(dims))
        if pull.rank == len(dims):
            repeats |= any(a == _ONE and b != _ONE for a, b in zip(pull.dims, dims))
        if repeats and not pull.cheap:
            return self.once(self.pull_of(self.memory(pull)), dims)
        if repeats:
            self.close_for(pull.reads)
        return found

    def result(self, f: Callable[..., object], operands: Sequence[Pull]) -> nt.Type:
        return result_dtype(f, operands, self.out.loc)

    def kept(self, pull: Pull) -> Pull:
        """``pull``, in memory unless its elements cost nothing."""
        if pull.cheap or not pull.rank:
            self.close_for(pull.reads)
            return pull
        return self.pull_of(self.memory(pull))

    def scalar_of(self, pull: Pull) -> Pull:
        """The one element of ``pull``, computed now."""
        self.close_for(pull.reads)
        atom = pull.at(self.out, tuple(ir.Const(0) for _ in pull.dims))
        return of_scalar(atom, pull.dtype)

    def cast(self, out: Emitter, atom: ir.Expr, have: nt.Type, want: nt.Type) -> ir.Expr:
        return cast(out, atom, have, want)

    def operand(self, expr: ir.Index) -> Pull:
        assert not isinstance(expr, ir.Slice)
        return self.tree(expr)

    def total(self, pull: Pull, axis: Any, keepdims: bool = False) -> Pull:
        return reductions.total(self, pull, axis, keepdims)

    def padded(self, pull: Pull, rank: int) -> Pull:
        """``pull`` with new axes in front."""
        missing = rank - pull.rank
        return rearranged(pull, (*(_ONE,) * missing, *pull.dims), lambda out, i: i[missing:])

    def fresh(self, dims: Dims, dtype: nt.Type, fn: str = "np.empty") -> ir.Var:
        """A new array, for loops to fill."""
        self.close()
        made = self.out.alloc(dims, dtype, fn)
        self.readers[made] = [-1]
        self.dims[made] = dims
        return made

    def lasting(self, pull: Pull) -> ir.Var:
        """An array with the elements of ``pull`` that nothing writes to."""
        array = self.memory(pull)
        if self.roots_of(array).isdisjoint(self.written):
            return array
        kept = self.out.var(array.name, array_type(pull.dtype, pull.rank))
        self.out.out.append(ir.Copy(kept, array, self.out.loc))
        self.dims[kept] = self.dims_of(array)
        self.readers[kept] = [-1]
        return kept

    def fresh_from(
        self,
        fn: str,
        args: tuple[ir.Expr, ...],
        kind: nt.Array,
        dims: Dims,
        named: bool = False,
        options: Options = (),
    ) -> ir.Var:
        """What a library function makes.  ``options``: keyword arguments.  ``named``: the statement
        says its shape, until the shapes of arrays that loops make are named."""
        made = self.out.var("t", kind)
        shape = (("shape", ir.MakeTuple(dims)),) if named else ()
        self.out.out.append(ir.Alloc(made, fn, args, (*shape, *options), self.out.loc))
        self.readers[made] = [-1]
        self.dims[made] = dims
        return made

    # ------------------------------------------------------------ the open nest

    def enter(self, dims: Dims, *pulls: Pull) -> Nest:
        """The nest over ``dims``, to compute elements of ``pulls``: the open one if it fits."""
        for pull in pulls:
            self.close_for(pull.shifted)
        dims = tuple(self.canonical(d) for d in dims)
        if self.nest is not None:
            if tuple(self.canonical(d) for d in self.nest.dims) == dims:
                return self.nest
            self.close()
        self.nest = Nest(self.out, dims)
        return self.nest

    def element(self, pull: Pull, nest: Nest, dtype: nt.Type) -> ir.Expr:
        nest.reads |= pull.reads
        atom = pull.at(nest.body, nest.index if pull.rank else ())
        return cast(nest.body, atom, pull.dtype, dtype)

    def define(self, target: ir.Var, pull: Pull) -> None:
        """``target = pull`` in the nest over its extents."""
        pull = contractions.computed(self, pull)
        nest = self.enter(pull.dims, pull)
        nest.reads |= pull.reads
        atom = pull.at(nest.body, nest.index)
        nest.define(target, atom, pull.dtype)

    def memory(self, pull: Pull) -> ir.Var:
        """An array in memory with the elements of ``pull``."""
        if pull.array is not None and pull.array not in self.aliases:
            self.close_for((pull.array,))
            return pull.array
        target = self.out.var("t", array_type(pull.dtype, pull.rank))
        self.learn(target, pull)
        self.readers[target] = [-1]  # somebody asked for it
        self.define(target, pull)
        self.close()
        return target

    def close(self, taken: bool = False) -> None:
        """Emit the open nest.  ``taken``: the current statement has read all that it will."""
        nest, self.nest = self.nest, None
        if nest is not None:
            done = self.done
            if taken:
                self.done = done | self.consumed
            nest.close(self.out, self.is_needed)
            self.done = done

    def close_for(self, arrays: Iterable[ir.Var]) -> None:
        """Close the nest if it makes one of these."""
        if self.nest is not None and any(a in self.nest.elements for a in arrays):
            self.close()

    def settle_one(self, array: ir.Var) -> None:
        """Give an array that waits its place in a nest."""
        if array in self.lazy:
            pull, stmt, consumed = self.lazy.pop(array)
            self.define(array, pull)
            self.done |= {id(stmt), *consumed}

    def settle(self, keep: Pull | None = None) -> None:
        """Compute what is waiting, and close the nest."""
        for var, (pull, stmt, consumed) in list(self.lazy.items()):
            del self.lazy[var]
            self.define(var, pull)
            self.done |= {id(stmt), *consumed}
        if keep is None:
            self.close()

    # ------------------------------------------------------------ memory

    def may_overlap(
        self, array: ir.Var, index: tuple[ir.Index, ...], target: Pull, pull: Pull
    ) -> bool:
        """Whether writing one element may change what a later one reads."""
        written = frozenset[ir.Var]().union(*(self.roots_of(v) for v in target.reads))
        for read in pull.reads:
            if self.roots_of(read).isdisjoint(written):
                continue
            same = read is target.array or self.bases.get(read) == (array, index)
            if not same or read in pull.shifted:
                return True
        return False

    def roots_of(self, array: ir.Var) -> frozenset[ir.Var]:
        found = self.roots.get(array, frozenset((array,)))
        return frozenset[ir.Var]().union(*(self.made_of.get(v, {v}) for v in found))

    def is_arranged(self, array: ir.Var) -> bool:
        """Whether it is not in memory as it stands."""
        return array in self.aliases or array in self.lazy

    def in_memory(self, stmt: ir.Stmt) -> ir.Stmt:
        """``stmt`` with arrays in memory for those that it reads as wholes."""
        wanted = [v for v in dict.fromkeys(all_reads(stmt)) if v in self.aliases]
        if not wanted:
            return stmt
        copies: dict[ir.Var, ir.Var] = {}
        for var in wanted:
            pull = self.aliases[var]
            if not isinstance(stmt, _READERS):
                raise UnsupportedError(
                    f"{var.name!r}, another arrangement of an array, outlives a branch or loop",
                    self.out.loc,
                    "Give it memory of its own: .copy().",
                )
            copies[var] = self.memory(pull)
        return rename_stmt(stmt, copies)

    # ------------------------------------------------------------ elements in other statements

    def element_type(self, expr: ir.Load) -> nt.Type:
        kind = self.types[expr.array]
        assert isinstance(kind, nt.Array)
        return kind.dtype

    def plain(self, expr: ir.Expr) -> ir.Expr:
        """``expr`` of another statement, reading arrays that are not in memory as they are."""

        def one(e: ir.Expr) -> ir.Expr:
            match e:
                case ir.Dim(array, axis) if array in self.dims and (
                    array in self.aliases or array in self.lazy
                ):
                    return self.dims[array][axis]
                case ir.Load(array, index) if array in self.aliases or array in self.lazy:
                    pull = self.pull(array)
                    self.close_for(pull.reads)
                    return pull.at(self.out, subscripts.from_front(self.out, pull, index))
                case _:
                    return e

        return map_expr(one, expr)
