"""Whole-array statements become loops over elements (ssa, resolved, typed).

Afterwards arrays are touched element by element, slice by slice or by library calls only, and the
rest of the pipeline need not know that the user wrote ``a * b``.  Expressions are not computed
array by array: their parts are *pulled* element by element (pull.py), and consecutive statements
over the same index space share one loop nest (nest.py).
"""

from __future__ import annotations

from dataclasses import replace

from numba.core import types as nt

from adcompile.arrays import arithmetic as by
from adcompile.arrays import contractions, functions, inplace, making, subscripts
from adcompile.arrays.carried import Axis, NotOne, assume_ones, check_ones
from adcompile.arrays.emitter import Emitter, Types, array_type
from adcompile.arrays.expanded import check_expanded, without_second_names
from adcompile.arrays.machine import Machine
from adcompile.arrays.made import item_at, note_dims
from adcompile.arrays.pull import Pull, with_name
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    map_blocks,
    map_expr,
    map_stmt_exprs,
    statements,
    stmt_reads,
    subexpressions,
)


def expand(
    fn: ir.Function,
    types: Types,
    ones: tuple[tuple[tuple[int, ...], int], ...] = (),
    compiled: bool = False,
    regroup: bool = False,
) -> ir.Function:
    """``fn`` without whole-array arithmetic.  ``types`` learns the new variables.

    ``ones``: the (parameter and places in it, axis) known to have extent one; with ((), 0) any
    other may turn out to.  ``compiled``: the
    user runs the function through Numba.  ``regroup``: sums of arrays may be made in another order.
    """
    if not any(_is_whole(stmt, types) for stmt in statements(fn.body)):
        check_expanded(fn, types)
        return fn
    fn = without_second_names(fn)
    more_than_one: set[Axis] = set()
    while True:
        expander = _Expander(fn, types)
        expander.compiled, expander.regroup = compiled, regroup
        expander.more_than_one = more_than_one
        expander.may_be_one = ((), 0) in ones
        for (k, *path), axis in (one for one in ones if one[0]):
            array = item_at(fn, fn.params[k], path)
            dims = list(expander.dims_of(array))
            dims[axis] = ir.Const(1)
            expander.dims[array] = tuple(dims)
        try:
            body = expander.block(fn.body)
            break
        except NotOne as error:
            more_than_one.add(error.axis)
        except UnsupportedError:
            if expander.assumed <= more_than_one:
                raise
            more_than_one |= expander.assumed
    made = without_second_names(replace(fn, body=body))
    check_expanded(made, types)
    return made


def result_type(call: ir.Expr, types: Types) -> nt.Type:
    """The type of a whole-array expression for operands of these types."""
    trial = _Expander(ir.Function("trial", (), ()), dict(types))
    call = map_expr(lambda part: _with_dims(part, types), call)
    target = trial.out.var("t", nt.none)
    if isinstance(call, ir.Apply) and call.fn.startswith(functions.PREFIX):
        found = functions.call(trial, call, target)
    else:
        found = trial.tree(call)
    if isinstance(found, tuple):
        return nt.Tuple([array_type(p.dtype, p.rank) if p.rank else p.dtype for p in found])
    if found is None or not found.rank:
        return trial.types[target] if found is None else found.dtype
    return array_type(found.dtype, found.rank)


def _with_dims(expr: ir.Expr, types: Types) -> ir.Expr:
    """A shape as a tuple of as many extents as the array has."""
    match expr:
        case ir.Attribute(ir.Var() as base, "shape"):
            kind = types[base]
            rank = kind.ndim if isinstance(kind, nt.Array) else 0
            return ir.MakeTuple(tuple(ir.Dim(base, axis) for axis in range(rank)))
        case _:
            return expr


def _is_whole(stmt: ir.Stmt, types: Types) -> bool:
    match stmt:
        case ir.Assign(target, value):
            if isinstance(value, ir.Var | ir.TupleGet):
                return False
            if isinstance(types.get(target), nt.Array):
                return True
            return any(
                isinstance(e, ir.Apply) and e.fn.startswith("arr.") for e in subexpressions(value)
            )
        case ir.Accumulate(array, index) | ir.Store(array, index):
            kind = types.get(array)
            short = isinstance(kind, nt.Array) and kind.ndim > len(index)
            return short or any(_is_wide(i, types) for i in index)
        case ir.Alloc(_, fn, args) if fn.endswith(("full", "full_like")):
            return _is_wide(args[-1], types)
        case _:
            return False


def _is_wide(entry: ir.Index, types: Types) -> bool:
    """Whether a subscript means more than one element."""
    if isinstance(entry, ir.Var):
        return isinstance(types.get(entry), nt.Array)
    return isinstance(entry, ir.Slice) or entry in (ir.Const(None), ir.Const(...))


class _Expander(Machine):
    def __init__(self, fn: ir.Function, types: Types) -> None:
        super().__init__(fn, types)
        self.shapes: dict[ir.Var, tuple[ir.Expr, ...]] = {}  # tuples of extents
        self.whole = {id(s) for s in statements(fn.body) if _is_whole(s, types)}

    def block(self, block: ir.Block) -> ir.Block:
        outer, self.out = self.out, Emitter(self.types)
        known, sizes = self.equal_dims.copy(), self.sizes.copy()
        for stmt in block:
            self.out.loc = stmt.loc
            if self.nest is not None:
                self.nest.body.loc = stmt.loc
            self.consumed = set()
            self.stmt(stmt)
        self.settle()
        made = tuple(self.out.out)
        self.out, self.equal_dims, self.sizes = outer, known, sizes
        return made

    def stmt(self, stmt: ir.Stmt) -> None:
        match stmt:
            case ir.Assign(target, value) if _is_whole(stmt, self.types):
                self.assign(stmt, target, value)
            case ir.Accumulate() if _is_whole(stmt, self.types):
                self.update(stmt.array, stmt.index, stmt.value, stmt.op)
                self.finished(stmt)
            case ir.Fill() | ir.Store() | ir.Accumulate() if self.is_arranged(stmt.array):
                op = stmt.op if isinstance(stmt, ir.Accumulate) else "="
                self.update(stmt.array, stmt.index, stmt.value, op)
                self.finished(stmt)
            case ir.Store() if _is_whole(stmt, self.types):
                self.update(stmt.array, stmt.index, stmt.value, "=")
                self.finished(stmt)
            case ir.CopyInto(array, index, source):
                self.update(array, index, source, "=")
                self.finished(stmt)
            case ir.Alloc(target, fn, args, keywords) if _is_whole(stmt, self.types):
                given = (*args, dict(keywords).get("dtype", ir.Const(None)))
                filled = functions.call(self, ir.Apply(f"arr.{fn[3:]}", given), target)
                assert isinstance(filled, Pull)
                self.learn(target, filled)
                self.define(target, filled)
                self.finished(stmt)
            case ir.Alloc(target, fn) if self.only_read(stmt) and (
                constant := making.constant(self, fn, stmt.args, self.types[target])
            ):
                self.bind(stmt, target, constant)
            case ir.View(target, base, index) if self.is_arranged(base) or self.only_read(stmt):
                arranged = self.pull(base)
                self.slices[target] = (base, index)
                self.close_for(arranged.reads)
                part = subscripts.getitem(self, arranged, index)
                self.bind(stmt, target, contractions.with_view(part, arranged, index))
            case _:
                self.other(stmt)

    # ------------------------------------------------------------ values

    def assign(self, stmt: ir.Assign, target: ir.Var, value: ir.Expr, fresh: bool = False) -> None:
        if stmt.inplace and isinstance(self.types[target], nt.Array) and not fresh:
            self.augment(stmt, target, value)
            return
        if isinstance(value, ir.Apply) and value.fn.startswith("arr."):
            done = functions.call(self, value, target)
        else:
            done = self.sum(value)
            if fresh:
                done = self.kept_kind(value, done)
        if isinstance(done, tuple):
            shared = any(p.place is not None for p in done)
            if shared and not self.roots_of(target).isdisjoint(self.written):
                raise UnsupportedError(
                    "parts of an array that is written to", stmt.loc, "Take slices of it."
                )
            parts = [self.memory(p) if p.rank else p.at(self.out, ()) for p in done]
            self.parts[target] = tuple(parts)
            self.out.out.append(ir.Assign(target, ir.MakeTuple(tuple(parts)), loc=stmt.loc))
            self.finished(stmt)
        elif done is not None:
            self.bind(stmt, target, done)
        else:
            self.finished(stmt)

    def kept_kind(self, value: ir.Expr, pull: Pull) -> Pull:
        """What ``y += e`` makes of ``y + e``: an array with elements of the same type."""
        assert isinstance(value, ir.Binary) and isinstance(value.a, ir.Var)
        kind, one = self.types[value.a], ir.Const(1)
        assert isinstance(kind, nt.Array)
        ones = [k for k, dim in enumerate(self.dims_of(value.a)) if dim == one]
        if kind.ndim != pull.rank or any(pull.dims[k] != one for k in ones):
            raise UnsupportedError(
                "an augmented assignment to an array of fewer elements than the result",
                self.out.loc,
                "Write y = y + e.",
            )
        for own, dim in zip(self.dims_of(value.a), map(self.canonical, pull.dims)):
            if own not in (one, dim):  # equal, unless one may turn out to be one
                self.refuse(ir.Compare("!=", own, dim))
        if kind.dtype is pull.dtype or not isinstance(kind.dtype, nt.Float):
            return pull
        return by.cast(self, contractions.computed(self, pull), kind.dtype)

    def only_read(self, stmt: ir.View | ir.Alloc) -> bool:
        """An array that has no name, for whole-array statements to read."""
        target = stmt.target
        return target.temp and set(self.readers.get(target, ())) <= self.whole

    def bind(self, stmt: ir.Stmt, target: ir.Var, pull: Pull) -> None:
        """``target = pull``: later if one statement wants it, now otherwise."""
        if pull.rank == 0:
            self.close_for(pull.reads)
            atom = pull.at(self.out, ())
            self.types[target] = pull.dtype
            self.out.out.append(ir.Assign(target, atom, loc=stmt.loc))
            self.finished(stmt)
            return
        self.learn(target, pull)
        if pull.pending is not None:
            if self.regroup and self.is_read_once(target):
                self.lazy[target] = (pull, stmt, self.consumed)
                return
            pull = contractions.computed(self, pull)
        is_written = not self.roots_of(target).isdisjoint(self.written)
        if pull.array in self.made_by_library and is_written:
            pull = replace(pull, place=None, array=None)  # its adjoint needs it as it was
        if pull.maybe_view and is_written:
            raise UnsupportedError(
                "whether this is a view or a copy depends on the layout of memory, and it or the "
                "array is written",
                stmt.loc,
                "Make it a copy: .copy().",
            )
        if pull.array is not None:  # in memory as it stands: another name for it
            self.close_for(pull.reads)
            self.types[target] = self.types[pull.array]
            self.out.out.append(ir.View(target, pull.array, (), stmt.loc))
            self.made_of[target] = self.roots[target] = self.roots_of(pull.array)
            if is_written:
                self.written |= self.roots[target]
            self.bases[target] = self.bases.get(pull.array, (pull.array, ()))
            self.finished(stmt)
            return
        if pull.part and target in self.written:
            raise UnsupportedError(
                "the real or imaginary part of an array is written",
                stmt.loc,
                "Write the elements whole: z[i] = complex(a, b).",
            )
        if target in self.outliving and not is_written:  # a copy serves as well
            self.define(target, replace(pull, place=None, array=None, part=False))
            self.finished(stmt)
            return
        if pull.place is not None or pull.part:
            self.close_for(pull.reads)
            self.aliases[target] = pull
            self.finished(stmt)
            return
        if not pull.maybe_view:
            self.computed.add(target)
        if self.is_read_once(target):
            named = pull if target.temp else with_name(pull, target.name)
            self.lazy[target] = (named, stmt, self.consumed)
            return
        self.define(target, pull)
        self.finished(stmt)

    # ------------------------------------------------------------ writing into arrays

    def augment(self, stmt: ir.Assign, target: ir.Var, value: ir.Expr) -> None:
        """``y += e`` writes into the array that ``y`` names."""
        assert isinstance(value, ir.Binary) and isinstance(value.a, ir.Var)
        array = value.a
        sums = array in self.lazy and self.lazy[array][0].pending is not None
        if not sums:
            self.settle_one(array)
        if (sums and array not in self.views) or self.is_fresh(array, stmt):
            self.assign(stmt, target, value, fresh=True)
            return
        op = value.op if value.op in "+-" else "="
        self.update(array, (), value.b if op != "=" else value, op)
        if array in self.aliases:
            self.aliases[target] = self.aliases[array]
        else:
            self.out.out.append(ir.View(target, array, (), stmt.loc))
        self.dims[target] = self.dims_of(array)
        self.finished(stmt)

    def update(self, array: ir.Var, index: tuple[ir.Index, ...], value: ir.Expr, op: str) -> None:
        """``array[index] op value``, element by element; ``op`` is =, + or -."""
        self.settle_one(array)
        factor = inplace.factor(self, array, index, value) if op == "=" else value
        by_element = self.compiled and factor is not None and inplace.is_view(self, factor)
        pull = self.tree(value)
        self.settle(keep=pull)
        if self.nest is not None and self.nest.touches(self.roots_of(array), self.roots_of):
            self.close()
        self.close_for((array,))
        whole = self.aliases.get(array) or self.pull_of(array)
        entries = subscripts.complete(self, whole, index)
        if subscripts.leading_mask(self, entries):
            mask = entries[0]
            assert isinstance(mask, ir.Var)
            if op != "=":
                pull = self.combined(op, subscripts.getitem(self, whole, index), pull)
            pull = self.pull_of(self.memory(pull)) if pull.rank else pull
            subscripts.store_masked(self, whole, mask, pull, "=")
            return
        entries = subscripts.without_masks(self, entries)
        target = subscripts.getitem(self, whole, tuple(entries)) if index else whole
        if target.place is None and op != "=":  # repeated subscripts do not accumulate
            pull = self.combined(op, target, pull)
            op = "="
        where = target.place or subscripts.places(self, whole, entries)
        if self.may_overlap(array, index, target, pull):
            if by_element:
                raise UnsupportedError(
                    "an augmented assignment that reads elements which it writes",
                    self.out.loc,
                    "Numba runs it element by element, NumPy on a copy: name the right-hand side "
                    "first, or add .copy().",
                )
            pull = self.pull_of(self.memory(replace(pull, array=None)))
        pull = self.fitted(pull, target.dims)
        nest = self.enter(target.dims, target, pull)
        atom = self.element(pull, nest, target.dtype)
        written, place = where(nest.body, nest.index)
        nest.body.write(written, place, atom, op)
        self.close()

    def combined(self, op: str, a: Pull, b: Pull) -> Pull:
        return self.elementwise(op, lambda p: ir.Binary(op, p[0], p[1]), [a, b])

    # ------------------------------------------------------------ the rest

    def other(self, stmt: ir.Stmt) -> None:
        reads = set(stmt_reads(stmt))
        if not isinstance(stmt, ir.Assign | ir.Alloc | ir.View):  # may write, or branch
            self.settle()
        for var in [v for v in reads if v in self.lazy]:
            self.settle_one(var)
        if self.nest is not None and reads & {*self.nest.results, *self.nest.elements}:
            self.close()
        stmt = map_stmt_exprs(self.plain, stmt)
        if isinstance(stmt, ir.If | ir.For | ir.While):
            is_loop = not isinstance(stmt, ir.If)
            if not isinstance(stmt, ir.If):
                assume_ones(self, stmt)
            self.loops += is_loop
            made = map_blocks(self.block, stmt)
            self.loops -= is_loop
            if not isinstance(stmt, ir.If):
                check_ones(self, stmt)
            stmt = made
        stmt = self.in_memory(stmt)
        self.out.out.append(stmt)
        note_dims(self, stmt)
        match stmt:
            case ir.Assign(target, ir.Dim(array, axis)) if array not in self.aliases:
                self.equal_dims[target] = self.dims_of(array)[axis]
            case ir.Assign(target, ir.Var() as source) if source in self.equal_dims:
                self.equal_dims[target] = self.equal_dims[source]
            case ir.Assign(target, ir.MakeTuple(items)):
                if all(isinstance(item, ir.Dim) for item in items):
                    self.shapes[target] = items
            case ir.Assign(target, ir.TupleGet(ir.Var() as whole, k)) if whole in self.shapes:
                self.equal_dims[target] = self.shapes[whole][k]
            case _:
                pass
        self.finished(stmt)
