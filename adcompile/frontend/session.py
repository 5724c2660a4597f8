"""What is shared by all functions that one call of ``parse`` reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import FunctionType
from typing import TYPE_CHECKING, Any

from adcompile.frontend.ranks import note_rank
from adcompile.ir import nodes as ir
from adcompile.ir.walk import stmt_defs

if TYPE_CHECKING:
    from adcompile.frontend.source import Source


@dataclass
class Session:
    """What one call of ``parse`` collects, inlined callees included."""

    constants: dict[int, tuple[ir.Var, object]] = field(default_factory=dict)
    exceptions: dict[str, type[BaseException]] = field(default_factory=dict)
    dispatchers: list[Any] = field(default_factory=list)
    stack: list[object] = field(default_factory=list)  # keys of the functions being read
    literals: list[dict[str, Static]] = field(default_factory=list)  # what is known to each
    trying: int = 0  # how many try statements are around
    raises_on_zero: bool = True  # division by zero is an error in the user's function
    repeated: int = 0  # how many calls of themselves were followed
    emitted: int = 0  # how many statements there are
    lenient: bool = False
    numbers: set[ir.Var] = field(default_factory=set)  # parameters that are numbers, not booleans
    unknown: set[ir.Var] = field(default_factory=set)  # parameters of whose type nothing is known
    nullable: set[tuple[object, str]] = field(default_factory=set)  # (function, name): may be None
    flags: dict[ir.Var, ir.Var] = field(default_factory=dict)  # whether such a variable has a value
    owners: dict[ir.Var, tuple[object, str]] = field(default_factory=dict)
    callees: dict[str, Any] = field(default_factory=dict)
    makers: dict[str, None] = field(default_factory=dict)  # names of classes of NamedTuples
    customs: list[Any] = field(default_factory=list)  # whose rules are being read
    computed: set[ir.Var] = field(default_factory=set)  # results of operations: never None
    lists: set[ir.Var] = field(default_factory=set)  # made here
    members: set[ir.Var] = field(default_factory=set)  # values of members of Enums that were given
    ranges: set[ir.Var] = field(default_factory=set)  # tuples that are start, stop, step
    dicts: dict[ir.Var, tuple[str, ...]] = field(default_factory=dict)  # their keys
    shared: set[ir.Var] = field(default_factory=set)  # dicts with two names
    stored: set[ir.Var] = field(default_factory=set)  # dicts whose items were set
    passed: dict[ir.Var, ir.Var] = field(default_factory=dict)  # parameters that are dicts
    kinds: dict[ir.Var, Any] = field(default_factory=dict)  # types of tuples that were given
    records: dict[ir.Var, tuple[str, ...]] = field(default_factory=dict)  # fields of given arrays
    dtypes: dict[ir.Var, ir.Expr] = field(default_factory=dict)  # x, for ``dtype = x.dtype``
    ranks: dict[ir.Var, int] = field(default_factory=dict)  # of arrays; 0: a number
    arity: dict[ir.Var, int] = field(default_factory=dict)  # of tuples: how many items they have

    sources: dict[FunctionType, Source] = field(default_factory=dict)  # that were read

    def note_values(self, stmt: ir.Stmt) -> None:
        """Keep ``ranks``, ``lists`` and ``members`` true behind ``stmt``."""
        self.emitted += 1
        note_rank(stmt, self.ranks, self.kinds)
        for some in (self.lists, self.members):
            some.difference_update(stmt_defs(stmt))
            if isinstance(stmt, ir.Assign) and stmt.value in some:
                some.add(stmt.target)
        match stmt:
            case ir.Assign(target, ir.Apply("list.make")):
                self.lists.add(target)
            case ir.Assign(target, ir.Apply("rt.member_value")):
                self.members.add(target)
            case _:
                pass


@dataclass(frozen=True)
class Static:
    """A value known while parsing: a module, a function, a number."""

    value: object


@dataclass(frozen=True)
class Pack:
    """What ``*args`` took, functions among it."""

    items: tuple[Static | ir.Expr, ...]
