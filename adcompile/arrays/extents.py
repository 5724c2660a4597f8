"""What is known about the extents of arrays: which are one, which are equal."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace

from numba.core import types as nt

from adcompile.arrays.emitter import Emitter, Index, Types, array_type
from adcompile.arrays.pull import Dims, Pull, broadcast, rearranged
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir

_ONE = ir.Const(1)


class Extents:
    may_be_one = False  # whether an axis may turn out to have extent one, and broadcast

    def __init__(self, types: Types) -> None:
        self.types = types
        self.out = Emitter(types)
        self.dims: dict[ir.Var, Dims] = {}
        self.equal_dims: dict[ir.Expr, ir.Expr] = {}
        self.sizes: dict[ir.Expr, ir.Var] = {}
        # Axes at the heads of loops: assumed to have extent one, and found not to (carried.py).
        self.assumed: set[tuple[ir.Var, int]] = set()
        self.more_than_one: set[tuple[ir.Var, int]] = set()

    @abstractmethod
    def once(self, pull: Pull, dims: Dims) -> Pull:
        """``pull``, kept as an array if broadcasting would compute its elements again and again."""

    def dims_of(self, array: ir.Var) -> Dims:
        kind = self.types[array]
        assert isinstance(kind, nt.Array)
        if array not in self.dims:
            self.dims[array] = tuple(ir.Dim(array, axis) for axis in range(kind.ndim))
        return tuple(self.canonical(d) for d in self.dims[array])

    def canonical(self, dim: ir.Expr) -> ir.Expr:
        while dim in self.equal_dims:
            dim = self.equal_dims[dim]
        return dim

    def common(self, operands: Sequence[Pull], late: bool = False) -> Dims:
        """The shape to which the operands broadcast; what is not known is tested at run time.
        ``late``: the caller can broadcast axes that turn out to have extent one (``stretched``)."""
        join = self.either if late and self.may_be_one else self.same
        rank = max((p.rank for p in operands), default=0)
        dims: list[ir.Expr] = []
        for axis in range(rank):
            found: ir.Expr = _ONE
            for pull in operands:
                place = axis - (rank - pull.rank)
                if place < 0:
                    continue
                dim = self.canonical(pull.dims[place])
                if dim == _ONE:
                    continue
                found = dim if found == _ONE else join(found, dim)
            dims.append(found)
        return tuple(dims)

    def same(self, a: ir.Expr, b: ir.Expr) -> ir.Expr:
        """The extent that both are, tested unless it is known."""
        a, b = self.canonical(a), self.canonical(b)
        if a == b:
            return a
        self.refuse(ir.Compare("!=", a, b))
        if isinstance(b, ir.Const):
            a, b = b, a
        self.equal_dims[b] = a
        return a

    def refuse(self, differs: ir.Expr) -> None:
        message = f"operands could not be broadcast together\n  at {self.out.loc}"
        self.out.fail_if(_asked(differs), "BroadcastError", message)

    def either(self, a: ir.Expr, b: ir.Expr) -> ir.Expr:
        """The extent that both are, or one of them if the other is one."""
        a, b = self.canonical(a), self.canonical(b)
        if a == b:
            return a
        both = ir.Select(ir.Compare("==", a, _ONE), b, a)
        if both not in self.sizes:
            self.may_stretch(b, self.size(both))
        return self.sizes[both]

    def may_stretch(self, dim: ir.Expr, wanted: ir.Expr) -> None:
        one = ir.Compare("!=", dim, _ONE)
        self.refuse(ir.Logic("and", one, ir.Compare("!=", dim, wanted)))

    def stretched(self, pull: Pull, dims: Dims) -> Pull:
        """``pull`` with the extents of ``dims``, the last of which its own are or turn out to be
        one."""
        ends: dict[int, ir.Expr] = {}
        wanted = dims[len(dims) - pull.rank :]
        for axis, (own, dim) in enumerate(zip(map(self.canonical, pull.dims), wanted)):
            if own != _ONE and own != self.canonical(dim):
                ends[axis] = self.size(self.out.integer("-", own, _ONE))

        def mapping(out: Emitter, index: Index) -> Index:
            return tuple(
                out.name(ir.Apply("min", (i, ends[axis])), nt.int64) if axis in ends else i
                for axis, i in enumerate(index)
            )

        if not ends:
            return pull
        made = tuple(wanted[k] if k in ends else dim for k, dim in enumerate(pull.dims))
        return replace(rearranged(pull, made, mapping, view=False), weak=pull.weak)

    def fitted(self, pull: Pull, dims: Dims) -> Pull:
        """``pull`` over ``dims``, to which it must broadcast."""
        if pull.rank == 0:
            return pull
        if pull.rank > len(dims):
            raise UnsupportedError(
                f"an array of rank {pull.rank} is copied into a slice of rank {len(dims)}",
                self.out.loc,
            )
        for dim, own in zip(dims[len(dims) - pull.rank :], pull.dims, strict=True):
            if self.canonical(own) == _ONE or self.canonical(own) == self.canonical(dim):
                continue
            if self.may_be_one:
                self.may_stretch(own, dim)
            else:
                self.same(dim, own)
        return broadcast(self.once(pull, dims), dims)

    def learn(self, target: ir.Var, pull: Pull) -> None:
        self.types[target] = array_type(pull.dtype, pull.rank)
        self.dims[target] = pull.dims

    def size(self, expr: ir.Expr, wish: str = "size") -> ir.Expr:
        """An extent; equal expressions are the same one."""
        if isinstance(expr, ir.Var | ir.Const | ir.Dim):
            return expr
        if expr not in self.sizes:
            self.sizes[expr] = self.out.named(expr, nt.int64, wish)
        return self.sizes[expr]


def _asked(differs: ir.Expr) -> ir.Expr:
    """The same for Numba to ask when it runs: it leaves out what follows a certain ``raise``, and a
    function without a return has no results."""
    match differs:
        case ir.Logic(op, left, right):
            return ir.Logic(op, _asked(left), _asked(right))
        case ir.Compare(op, ir.Const() as left, ir.Const() as right):
            return ir.Compare(op, ir.Apply("int", (left,)), right)
        case _:
            return differs
