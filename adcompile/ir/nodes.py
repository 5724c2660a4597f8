"""The whole IR on one screen.

Programs come in two dialects of the same nodes.

*plain*: variables are assigned any number of times, as in Python.  The frontend makes it, and
the emitter prints it.  ``If.joins``, ``carried`` and ``Param``-versions are empty.

*ssa*: every ``Var`` is assigned exactly once.  An ``If`` names in ``joins`` the variables that
its branches agree on, a loop names in ``carried`` those that one iteration hands to the next.
Analyses and differentiation work on this dialect.

Control flow is structured.  There is one ``Return``, the last statement of a function.
``break``, ``continue`` and early ``return`` are desugared: after each iteration the integer
``exit`` of a loop is read, and a value >= LEAVE ends the loop.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import EllipsisType
from typing import Literal, TypeAlias

from adcompile.errors import NOWHERE, Loc

# Values of a loop's exit variable.  CONTINUE only skips the rest of an iteration.
STAY, CONTINUE, BREAK, RETURN = 0, 1, 2, 3
LEAVE = BREAK


@dataclass(frozen=True, eq=False)
class Var:
    """A variable: an object compared by identity.  ``name`` is a wish, which emission honours
    where it can.  ``temp`` marks names that adcompile invented."""

    name: str
    temp: bool = False

    def __repr__(self) -> str:
        return f"{self.name}#{id(self) % 9973}"


# ---------------------------------------------------------------- expressions (pure)


@dataclass(frozen=True)
class Const:
    """In subscripts None is a new axis, and ``...`` stands for itself."""

    value: int | float | complex | bool | str | EllipsisType | None


@dataclass(frozen=True)
class Unary:
    op: str  # "-", "+", "~", "not"
    x: Expr


@dataclass(frozen=True)
class Binary:
    op: str  # + - * / // % ** & | ^ << >>
    a: Expr
    b: Expr


@dataclass(frozen=True)
class Compare:
    op: str  # == != < <= > >=   (chained comparisons are desugared)
    a: Expr
    b: Expr


@dataclass(frozen=True)
class Logic:
    op: str  # "and", "or": short-circuit
    a: Expr
    b: Expr


@dataclass(frozen=True)
class Select:
    """``a if cond else b`` whose three parts are cheap and safe to evaluate lazily."""

    cond: Expr
    a: Expr
    b: Expr


@dataclass(frozen=True)
class Apply:
    """A pure primitive by its dotted name: math.sin, np.sin, float, abs, rt.name (our runtime)."""

    fn: str
    args: tuple[Expr, ...]


@dataclass(frozen=True)
class Subscript:
    """Only before types are known: becomes Load, a View statement or TupleGet."""

    base: Expr
    index: tuple[Index, ...]


@dataclass(frozen=True)
class Load:
    """One element: as many integer indices as the array has axes."""

    array: Var
    index: tuple[Expr, ...]


@dataclass(frozen=True)
class Dim:
    """``array.shape[axis]``."""

    array: Var
    axis: int


@dataclass(frozen=True)
class Attribute:
    """``x.shape``, ``x.size``, ``x.ndim``, ``x.T``, and ``len(x)``, spelled "len"."""

    base: Expr
    name: str


@dataclass(frozen=True)
class MakeTuple:
    items: tuple[Expr, ...]
    maker: str = ""  # of a NamedTuple: its class, by name


@dataclass(frozen=True)
class TupleGet:
    base: Expr
    item: int
    count: int = 0  # how many are unpacked at once; 0 where one is read


@dataclass(frozen=True)
class Slice:
    start: Expr | None
    stop: Expr | None
    step: Expr | None


Value: TypeAlias = Var | Const | Load | Dim | Unary | Binary | Compare | Logic | Select | Apply
Untyped: TypeAlias = Subscript | Attribute  # only before types are known
Expr: TypeAlias = Value | MakeTuple | TupleGet | Untyped
Index: TypeAlias = Expr | Slice  # slices inside an index only
Block: TypeAlias = tuple["Stmt", ...]


# ---------------------------------------------------------------- statements


@dataclass(frozen=True)
class Assign:
    """``target = value``.  ``inplace`` marks an augmented assignment to a name, which means
    something else if the name turns out to be an array."""

    target: Var
    value: Expr
    inplace: bool = False
    loc: Loc = NOWHERE


@dataclass(frozen=True)
class AssignMany:
    """Simultaneous assignment ``a, b = b, a`` (plain dialect; emitted as a tuple assignment)."""

    targets: tuple[Var, ...]
    values: tuple[Expr, ...]
    loc: Loc = NOWHERE


@dataclass(frozen=True)
class Store:
    """``array[index] = value`` on one element; before types are known, also on parts."""

    array: Var
    index: tuple[Index, ...]
    value: Expr
    loc: Loc = NOWHERE


@dataclass(frozen=True)
class Accumulate:
    """``array[index] += value`` (``-=`` by op) on one element: the old value is never needed."""

    array: Var
    index: tuple[Index, ...]
    value: Expr
    op: str = "+"
    loc: Loc = NOWHERE


@dataclass(frozen=True)
class Fill:
    """``array[index] = scalar`` on a slice."""

    array: Var
    index: tuple[Index, ...]
    value: Expr
    loc: Loc = NOWHERE


@dataclass(frozen=True)
class CopyInto:
    """``array[index] = source`` on a slice, ``source`` an array."""

    array: Var
    index: tuple[Index, ...]
    source: Var
    loc: Loc = NOWHERE


@dataclass(frozen=True)
class Alloc:
    """A fresh array: np.zeros, empty, ones, full, their _like forms, a library function.  dtypes
    are strings as written: ``Const("np.float64")`` under keyword "dtype"."""

    target: Var
    fn: str
    args: tuple[Expr, ...]
    keywords: tuple[tuple[str, Expr], ...] = ()
    loc: Loc = NOWHERE


@dataclass(frozen=True)
class Call:
    """``targets = fn(*args)``, run exactly once, where it stands; several targets unpack a tuple.
    ``np.random.name`` and ``gen.name`` (a method of the first argument) draw random numbers."""

    targets: tuple[Var, ...]
    fn: str
    args: tuple[Expr, ...]
    loc: Loc = NOWHERE


@dataclass(frozen=True)
class Custom:
    """``targets = values``, with the derivative ``rule(*residuals, cotangent) -> adjoints of args``
    of the user's; "": ``args`` are the targets' tangents.  Not ``single``: a tuple is returned."""

    targets: tuple[Var, ...]
    values: tuple[Expr, ...]
    args: tuple[Expr, ...]
    rule: str
    residuals: tuple[Expr, ...]
    single: bool = True
    loc: Loc = NOWHERE


@dataclass(frozen=True)
class Copy:
    """``target = source.copy()``: a fresh array."""

    target: Var
    source: Var
    loc: Loc = NOWHERE


@dataclass(frozen=True)
class View:
    """``target = base[index]``, sharing memory.  An empty index: another name for base."""

    target: Var
    base: Var
    index: tuple[Index, ...]
    loc: Loc = NOWHERE


@dataclass(frozen=True)
class Do:
    """A call for its effect (plain dialect): ``fn(*args)``; runtime helpers of the adjoint."""

    fn: str
    args: tuple[Expr, ...]
    loc: Loc = NOWHERE


@dataclass(frozen=True)
class Join:
    """After the If, ``out`` is ``then`` or ``orelse``; None where that branch leaves it unset."""

    out: Var
    then: Var | None
    orelse: Var | None


@dataclass(frozen=True)
class If:
    cond: Expr
    then: Block
    orelse: Block
    joins: tuple[Join, ...] = ()
    loc: Loc = NOWHERE


@dataclass(frozen=True)
class Carried:
    """``head`` is the value at the start of an iteration: ``init`` (None: unset) at first, then
    the previous iteration's ``next``.  ``out`` is the value after the loop."""

    head: Var
    init: Var | None
    next: Var
    out: Var


@dataclass(frozen=True)
class For:
    """``for var in range(start, stop, step)``.  The bounds are evaluated once.  ``var`` is fresh
    and never assigned in the body (where the user does that, the frontend copies it)."""

    var: Var
    start: Expr
    stop: Expr
    step: Expr
    body: Block
    exit: Var | None = None
    carried: tuple[Carried, ...] = ()
    loc: Loc = NOWHERE
    order: Literal["sequential", "any", "blocks", "parallel"] = "sequential"


@dataclass(frozen=True)
class While:
    """``while cond``, tested before each iteration; in ssa the test reads the heads."""

    cond: Expr
    body: Block
    exit: Var | None = None
    carried: tuple[Carried, ...] = ()
    loc: Loc = NOWHERE


@dataclass(frozen=True)
class Raise:
    """``raise exception(*args)``; exception is a dotted name of the user's module."""

    exception: str
    args: tuple[Expr, ...]
    loc: Loc = NOWHERE


@dataclass(frozen=True)
class Break:
    """Plain dialect, made by emission passes only."""

    loc: Loc = NOWHERE


@dataclass(frozen=True)
class Unset:
    """Plain dialect: control enters an inlined function, whose variables have no values yet,
    whatever an earlier iteration of a loop around the call left in them.  Printed as nothing."""

    vars: tuple[Var, ...]
    loc: Loc = NOWHERE


@dataclass(frozen=True)
class Comment:
    """A comment line in generated code."""

    text: str
    loc: Loc = NOWHERE


@dataclass(frozen=True)
class Return:
    """The last statement.  ``values`` empty: returns None; a tuple result is one MakeTuple."""

    values: tuple[Expr, ...]
    loc: Loc = NOWHERE


Simple: TypeAlias = Assign | AssignMany | Store | Accumulate | Fill | CopyInto | Alloc | Copy | View
Called: TypeAlias = Call | Custom | Do
Control: TypeAlias = If | For | While | Raise | Break | Return
Stmt: TypeAlias = Simple | Called | Control | Unset | Comment


@dataclass(frozen=True)
class Function:
    """``params`` in signature order.  ``constants`` are captured arrays, known to the generated
    module by name; ``callees``: functions of the user's; ``makers``: classes of NamedTuples."""

    name: str
    params: tuple[Var, ...]
    body: Block
    loc: Loc = NOWHERE
    constants: tuple[tuple[Var, object], ...] = ()
    exceptions: tuple[tuple[str, type[BaseException]], ...] = ()
    callees: tuple[object, ...] = ()
    makers: tuple[str, ...] = ()
    doc: str = field(default="", compare=False)
