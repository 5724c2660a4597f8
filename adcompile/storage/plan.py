"""The storage plan: for every value that the reverse sweep reads, where it comes from.

- *untouched*: defined outside all loops: it is still there (handed from the forward to the adjoint
  function);
- *recompute*: its operation is repeated at the top of the reverse iteration;
- *store*: kept in the tape of its loop, one row per iteration.

Loops are planned from the inside out: what an inner reverse loop recomputes may need values of
the outer one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from numba.core import types as nt

from adcompile.analysis.alias import Roots
from adcompile.analysis.scope import Loop, Scopes
from adcompile.analysis.stable import Stability
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import index_reads, reads, statements, stmt_reads, subexpressions
from adcompile.normalise.places import Arenas
from adcompile.normalise.references import Selections
from adcompile.storage.forwarded import find_forwarded
from adcompile.storage.mincut import INFINITE, Choice, choose
from adcompile.storage.needs import Needs
from adcompile.storage.snapshots import Snapshot

# Costs in units of one stored number.  Transcendental functions cost about as much as a store and
# a load together; arithmetic is nearly free.
_STORE, _STORE_FLAG = 1.0, 0.3
_NEAR = 0.3  # of that: a tape that lives for one iteration stays in the cache
_ARITHMETIC, _DIVIDE, _TRANSCENDENTAL = 0.02, 0.1, 0.9


@dataclass
class Plan:
    """What the reverse sweep finds where.

    stored: by loop identity, in order.  recomputed: values whose operation is repeated.
    references: views inside loops that recomputed loads read through.  shadows: arrays whose
    shadow is touched.  kept: values of the top level that reverse code reads.  counted: loops (by
    identity) whose iterations are counted on the way forward, with the variable that holds the
    count.  handed_back: values at the end of an iteration that the reverse loop has already,
    because they were the head of the iteration after it.  forwarded: values that an array of the
    program still holds, with the element.  copied: values that a copy of their array holds.
    """

    stored: dict[int, list[ir.Var]] = field(default_factory=dict)
    recomputed: set[ir.Var] = field(default_factory=set)
    kept: set[ir.Var] = field(default_factory=set)
    references: set[ir.Var] = field(default_factory=set)
    shadows: set[ir.Var] = field(default_factory=set)
    counted: dict[int, ir.Var] = field(default_factory=dict)
    handed_back: dict[ir.Var, ir.Carried] = field(default_factory=dict)
    forwarded: dict[ir.Var, ir.Load] = field(default_factory=dict)
    copied: dict[ir.Var, Snapshot] = field(default_factory=dict)
    reasons: dict[ir.Var, str] = field(default_factory=dict)

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        return tuple(dict.fromkeys(self.copied.values()))


class Planner:
    """Makes the plan of one function (ssa, resolved, controls named)."""

    def __init__(
        self,
        fn: ir.Function,
        types: dict[ir.Var, nt.Type],
        scopes: Scopes,
        roots: Roots,
        needs: Needs,
        shapes: dict[ir.Var, tuple[ir.Expr, ...]],
        selections: Selections,
        arenas: Arenas,
        joint: tuple[Loop, ...] = (),
        snapshots: Sequence[Snapshot] = (),
    ) -> None:
        """``joint``: loops, each in the one before, whose iterations run forward and in reverse at
        once, so that their values are at hand like those outside all loops.  ``snapshots``: what
        may be copied."""
        self.fn, self.types, self.scopes, self.roots, self.needs = fn, types, scopes, roots, needs
        self.shapes, self.selections, self.arenas = shapes, selections, arenas
        self.joint = joint
        self.stability = Stability(fn, scopes, roots, joint)
        self.copies = {var: one for one in snapshots for var in one.loads}
        self.plan = Plan()
        self.wanted: dict[int, dict[ir.Var, None]] = {}  # by loop; ordered sets
        self.trips: dict[ir.Var, Loop] = {}
        self.forwarded = {} if arenas.places else find_forwarded(fn, types, scopes, roots)

    def run(self, results: Iterable[ir.Var]) -> Plan:
        """``results``: active arrays that are seeded from outside."""
        loops: list[Loop] = []
        for array in results:
            self.want_shadow(array)
        for stmt in statements(self.fn.body):
            if isinstance(stmt, ir.For | ir.While) and id(stmt) in self.needs.reversed:
                loops.append(stmt)
                if isinstance(stmt, ir.While) or stmt.exit is not None:
                    assert not self.at_hand(stmt)
                    self.count(stmt)
            self.want(self.needs.scalars(stmt))
            for array in self.needs.shadows(stmt):
                if array in self.roots:
                    self.want_shadow(array)
        for loop in reversed(loops):  # inner loops come later in program order
            if not self.at_hand(loop):
                self.cut(loop)
        return self.plan

    def at_hand(self, loop: Loop | None) -> bool:
        """Whether its values, or those outside all loops, are at hand in the reverse sweep."""
        return loop is None or any(loop is one for one in self.joint)

    def count(self, loop: Loop) -> None:
        trips = ir.Var(f"trips_{loop.loc.line}")
        self.types[trips] = nt.int64
        self.plan.counted[id(loop)] = trips
        self.trips[trips] = loop
        self.scopes.loops[trips] = self.scopes.stmt_loops[id(loop)]
        self.want((trips,))

    # ------------------------------------------------------------ what is wanted

    def want(self, variables: Iterable[ir.Var]) -> None:
        for var in variables:
            if var in self.roots:
                continue
            loop = self.scopes.loop_of(var)
            if self.at_hand(loop):
                self.plan.kept.add(var)
                self.plan.reasons.setdefault(var, "still there")
            elif not (isinstance(loop, ir.For) and loop.var is var):
                self.wanted.setdefault(id(loop), {})[var] = None
            else:
                self.want(v for b in (loop.start, loop.step) for v in reads(b))

    def want_shadow(self, array: ir.Var) -> None:
        if array in self.plan.shadows:
            return
        self.plan.shadows.add(array)
        if (place := self.arenas.places.get(array)) is not None:
            self.want((self.arenas.ends[place.dtype],))
            self.want(v for part in place.parts for v in reads(part))
            return
        definition = self.scopes.defined_by.get(array)
        match definition:
            case None | ir.Assign():
                pass
            case ir.Alloc() | ir.Call() | ir.Custom() | ir.Copy():
                self.want(v for dim in self.shapes.get(array, ()) for v in reads(dim))
            case ir.View(_, base, index):
                self.want(index_reads(index))
                self.want_shadow(base)
            case ir.If():
                self.want(reads(definition.cond))
                for join in definition.joins:
                    if join.out is array:
                        for side in (join.then, join.orelse):
                            if side is not None:
                                self.want_shadow(side)
            case ir.For() | ir.While():
                selection = self.selections[array]
                self.want((selection.number,))
                for _, origin in selection.arrays:
                    self.want_shadow(origin)
            case _:
                raise AssertionError(definition)

    # ------------------------------------------------------------ one loop

    def cut(self, loop: Loop) -> None:
        wanted = list(self.wanted.get(id(loop), {}))
        if not wanted:
            return
        choices: dict[object, Choice] = {}
        handed = self.can_hand_back(loop, wanted)
        pending, seen = list(wanted), set(wanted)
        while pending:
            var = pending.pop(0)
            choice = self.choice(var, loop)
            if var in handed:
                choice = Choice(choice.store, _ARITHMETIC, (handed[var].head,))
            choices[var] = choice
            for operand in choice.operands:
                assert isinstance(operand, ir.Var)
                if operand not in seen:
                    seen.add(operand)
                    pending.append(operand)
        must_store = any(
            c.recompute == INFINITE and c.store != INFINITE and v not in self.forwarded
            for v, c in choices.items()
        )
        if not must_store:  # nothing forces a tape on this loop: do not begin one
            choices = {
                v: Choice(INFINITE, c.recompute, c.operands)
                if c.recompute != INFINITE and v not in self.forwarded
                else c
                for v, c in choices.items()
            }
        elif self.joint and not _is_over_blocks(self.joint[0]):
            choices = {v: replace(c, store=c.store * _NEAR) for v, c in choices.items()}
        decided = choose(choices, wanted)
        if decided is None:
            bad = next(v for v, c in choices.items() if c.store == c.recompute == INFINITE)
            raise UnsupportedError(f"cannot keep {bad!r} for the reverse sweep", loop.loc)
        there = [v for v in decided[0] if v in self.forwarded]
        for var in there:
            assert isinstance(var, ir.Var)
            self.plan.forwarded[var] = self.forwarded[var]
            self.plan.kept.add(self.forwarded[var].array)
            self.plan.reasons[var] = "in an array"
        stored = [v for v in decided[0] if isinstance(v, ir.Var) and v not in there]
        stored.sort(key=self.position)
        if stored:
            self.plan.stored[id(loop)] = stored
        for var in stored:
            self.plan.reasons[var] = "stored"
        for node in decided[1]:
            assert isinstance(node, ir.Var)
            if node in handed:
                self.plan.handed_back[node] = handed[node]
                self.plan.reasons[node] = "known from the iteration after"
                self.want((handed[node].out,))
                continue
            self.plan.recomputed.add(node)
            self.plan.reasons[node] = "recomputed"
            self.want(v for v in self.operands(node) if self.scopes.loop_of(v) is not loop)
            if (copy := self.copies.get(node)) is not None:
                self.plan.copied[node] = copy
                self.plan.reasons[node] = "copied"
                self.want(copy.wanted())
            else:
                self.want_references(self.scopes.defined_by[node])

    def want_references(self, stmt: ir.Stmt) -> None:
        for array in stmt_reads(stmt):
            if array not in self.roots:
                continue
            view = self.scopes.defined_by.get(array)
            made_outside = self.at_hand(self.scopes.loop_of(array))
            if made_outside or not isinstance(view, ir.View):
                self.plan.kept.add(array)
            else:
                self.plan.references.add(array)
                self.want(index_reads(view.index))
                self.want_references(view)

    def can_hand_back(self, loop: Loop, wanted: list[ir.Var]) -> dict[ir.Var, ir.Carried]:
        """The values that ``next`` of one iteration shares with ``head`` of the following one,
        where the head is wanted too and cannot be computed."""
        heads = self.closure(wanted, loop)
        found: dict[ir.Var, ir.Carried] = {}
        for c in loop.carried:
            here = self.scopes.loop_of(c.next) is loop and c.next is not c.head
            if here and c.head in heads and c.next not in self.roots:
                found.setdefault(c.next, c)
        return found

    def closure(self, wanted: list[ir.Var], loop: Loop) -> set[ir.Var]:
        """What the wanted values depend on inside the loop, as far as it can be repeated."""
        seen, pending = set(wanted), list(wanted)
        while pending:
            for operand in self.choice(pending.pop(), loop).operands:
                assert isinstance(operand, ir.Var)
                if operand not in seen:
                    seen.add(operand)
                    pending.append(operand)
        return seen

    def position(self, var: ir.Var) -> int:
        definition = self.scopes.defined_by.get(var) or self.trips.get(var)
        return self.scopes.order[id(definition)] if definition is not None else -1

    def choice(self, var: ir.Var, loop: Loop) -> Choice:
        kind = self.types[var]
        if var in self.forwarded:
            store = _ARITHMETIC  # a load
        elif isinstance(kind, nt.Float | nt.Integer):
            store = _STORE
        elif isinstance(kind, nt.Complex):
            store = 2 * _STORE
        elif isinstance(kind, nt.Boolean):
            store = _STORE_FLAG
        else:
            store = INFINITE
        if not self.repeatable(var, loop):
            return Choice(store, INFINITE, ())
        operands = tuple(
            v
            for v in self.operands(var)
            if self.scopes.loop_of(v) is loop and not (isinstance(loop, ir.For) and v is loop.var)
        )
        return Choice(store, self.cost(var), operands)

    def repeatable(self, var: ir.Var, loop: Loop) -> bool:
        """Can its operation be repeated at the top of the reverse iteration?"""
        definition = self.scopes.defined_by.get(var)
        match definition:
            case ir.Assign() if var in self.copies:
                return True
            case ir.Assign(_, value):
                if not self.stability.expr(value, definition):
                    return False
                return all(
                    self.reference_there(e.array)
                    for e in subexpressions(value)
                    if isinstance(e, ir.Load | ir.Dim)
                )
            case ir.If(joins=joins):
                if self.scopes.loop_of(var) is not loop:
                    return False
                join = next(j for j in joins if j.out is var)
                return join.then is not None and join.orelse is not None
            case _:
                return False

    def reference_there(self, array: ir.Var) -> bool:
        """Is the primal array at hand in the reverse sweep?"""
        if self.at_hand(self.scopes.loop_of(array)):
            return array not in self.scopes.nested_in_if
        definition = self.scopes.defined_by.get(array)
        # A view made in the loop could be made again; its elements are stored for now.
        return isinstance(definition, ir.View) and self.view_again(definition)

    def view_again(self, view: ir.View) -> bool:
        return self.reference_there(view.base) and all(
            self.simple(v) for v in index_reads(view.index)
        )

    def simple(self, var: ir.Var) -> bool:
        """A loop variable, or fixed outside all loops."""
        loop = self.scopes.loop_of(var)
        return self.at_hand(loop) or (isinstance(loop, ir.For) and loop.var is var)

    def operands(self, var: ir.Var) -> list[ir.Var]:
        definition = self.scopes.defined_by[var]
        found: list[ir.Var] = []
        match definition:
            case ir.Assign(_, value):
                found = [v for v in reads(value) if v not in self.roots]
            case ir.If(joins=joins):
                join = next(j for j in joins if j.out is var)
                found = list(reads(definition.cond))
                found += [v for v in (join.then, join.orelse) if v is not None]
            case _:
                raise AssertionError(definition)
        return list(dict.fromkeys(found))

    def cost(self, var: ir.Var) -> float:
        definition = self.scopes.defined_by[var]
        if not isinstance(definition, ir.Assign):
            return _ARITHMETIC
        total = 0.0
        for e in subexpressions(definition.value):
            match e:
                case ir.Binary("/" | "//" | "%"):
                    total += _DIVIDE
                case ir.Binary("**") | ir.Apply():
                    total += _TRANSCENDENTAL
                case ir.Binary() | ir.Unary() | ir.Load() | ir.Select():
                    total += _ARITHMETIC
                case _:
                    pass
        return total + _ARITHMETIC


def _is_over_blocks(loop: Loop) -> bool:
    """Of a kernel: its tapes are in global memory."""
    return isinstance(loop, ir.For) and loop.order == "blocks"
