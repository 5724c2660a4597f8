"""Arrays that are in lists, and who may write to them (plain dialect).

A list holds references; what stands for it (list_arrays.py) has copies.  So an array that is in a
list is written before it comes there and never after, or only through the list: where its own name
ends at the ``append``, the copy is the array.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NoReturn, Protocol, TypeAlias

from adcompile.errors import NOWHERE, UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import blocks, statements, stmt_defs, stmt_reads, subexpressions
from adcompile.normalise.list_names import mentions
from adcompile.normalise.list_storage import MAKE

APPEND = "list.append"
Path: TypeAlias = tuple[tuple[ir.Block, int, ir.Stmt | None], ...]  # and the statement around each
Paths: TypeAlias = Iterator[tuple[ir.Stmt, Path]]


class HasRank(Protocol):
    @property
    def rank(self) -> int: ...


class Sharing:
    """``owners``: the lists of arrays; ``numbers``: the variables that are no arrays."""

    def __init__(
        self, body: ir.Block, owners: Mapping[ir.Var, HasRank], numbers: set[ir.Var]
    ) -> None:
        self.body, self.owners, self.numbers = body, owners, numbers
        self.loc = NOWHERE
        self.linked: dict[ir.Var, set[ir.Var]] = {}
        for target, source in _shared_in(body):
            if target not in numbers:
                group = self.group(target) | self.group(source)
                for var in group:
                    self.linked[var] = group

    def group(self, var: ir.Var) -> set[ir.Var]:
        return self.linked.get(var, {var})

    def refuse(self, message: str, advice: str) -> NoReturn:
        raise UnsupportedError(message, self.loc, advice)

    def check(self) -> None:
        """Arrays are written before they come into a list, or through the list alone."""
        self.check_items()
        found: set[ir.Var] = set()
        for stmt in statements(self.body):
            changed = self.written(stmt)
            if changed is None:
                continue
            owners = self.owners.keys() & self.group(changed)
            self.loc = stmt.loc
            for owner in owners - found:
                # Matrices in lists are copied when they are read.
                alone = len(owners) == 1 and self.owners[owner].rank == 1 and self.has_alone(owner)
                if not alone or not self.is_complete(owner):
                    self.refuse("an array in a list is written to", "Write it before, or a copy.")
                found.add(owner)

    def has_alone(self, owner: ir.Var) -> bool:
        """Whether the names of all arrays in the list end where they come into it."""
        return all(
            self.group(item) == {item} and is_handed_over(self.body, item, stmt)
            for stmt in statements(self.body)
            for one, item in self.appended(stmt)
            if one is owner
        )

    def is_complete(self, owner: ir.Var) -> bool:
        """Whether nothing is appended any more behind the first name for one of its arrays."""
        group = self.group(owner)
        block = home(self.body, group)
        inside = [s for s in block if any(mentions((s,), v) for v in group)]
        if not _is_made(inside[0], owner):
            return False
        named = [
            any(set(stmt_defs(s)) & group - {owner} or self.written(s) in group for s in parts(one))
            for one in inside
        ]
        grows = [any(_changes(s, owner) for s in parts(one)) for one in inside]
        return not any(grow and any(named[: k + 1]) for k, grow in enumerate(grows))

    def written(self, stmt: ir.Stmt) -> ir.Var | None:
        match stmt:
            case ir.Store(array) | ir.Accumulate(array) | ir.Fill(array) | ir.CopyInto(array):
                return array
            case ir.Assign(target, _, True) if target not in self.numbers:
                return target
            case _:
                return None

    def appended(self, stmt: ir.Stmt) -> Iterator[tuple[ir.Var, ir.Var]]:
        """(list, array) for what a statement puts into a list."""
        match stmt:
            case ir.Call((), name, (ir.Var() as owner, ir.Var() as item)) if owner in self.owners:
                if name == APPEND:
                    yield owner, item
            case ir.Assign(target, ir.Apply(name, items)) if name == MAKE and target in self.owners:
                yield from ((target, item) for item in items if isinstance(item, ir.Var))
            case _:
                pass

    def check_items(self) -> None:
        """No array is written to between its coming into a list and its being made anew."""
        puts = {id(s): item for s in statements(self.body) for _, item in self.appended(s)}
        shared = {var for item in puts.values() for var in self.group(item)}
        if not any(self.written(s) in shared for s in statements(self.body)):
            return
        for stmt, path in _with_paths(self.body):
            changed = self.written(stmt)
            if changed is None or changed not in shared:
                continue
            group = self.group(changed)
            since = self.since_made(changed, path)
            for put in statements(self.body if since is None else since):
                if id(put) in puts and puts[id(put)] in group:
                    self.loc = put.loc
                    name = puts[id(put)].name
                    message = f"{name!r} is in a list, and is written to elsewhere"
                    self.refuse(message, "Append a copy.")

    def since_made(self, var: ir.Var, path: Path) -> ir.Block | None:
        """What runs between the making of the array that ``var`` names, and the place at the end of
        ``path``; None where it may be older than that."""
        *outer, (block, end, around) = path
        place = next((k for k in reversed(range(end)) if _sets(block[k], var)), None)
        if place is None:
            loops = isinstance(around, ir.For | ir.While)
            if around is None or (loops and _sets(around, var)):
                return None
            return self.since_made(var, tuple(outer))
        made = block[place]
        if _makes(made, var):
            return block[place : end + 1]
        sources = list(_shared(made)) if isinstance(made, ir.Assign | ir.View) else []
        spans = [self.since_made(v, (*outer, (block, place, around))) for v in sources]
        if not spans or any(span is None for span in spans):
            return None
        earlier = [stmt for span in spans if span is not None for stmt in span]
        return (*earlier, *block[place : end + 1])


def parts(stmt: ir.Stmt) -> Iterator[ir.Stmt]:
    return statements((stmt,))


def home(body: ir.Block, group: set[ir.Var]) -> ir.Block:
    """The innermost block that has all mentions of these variables."""
    inside = [s for s in body if any(mentions((s,), v) for v in group)]
    if len(inside) == 1:
        own = {*stmt_reads(inside[0]), *stmt_defs(inside[0])}
        held = [b for b in blocks(inside[0]) if any(mentions(b, v) for v in group)]
        if len(held) == 1 and own.isdisjoint(group):
            return home(held[0], group)
    return body


def ends_at(body: ir.Block, var: ir.Var, stmt: ir.Stmt) -> bool:
    """Whether ``stmt`` is the last to mention ``var``, which is made anew before it each time."""
    inside = [s for s in home(body, {var}) if mentions((s,), var)]
    return _is_made(inside[0], var) and _ends_in(inside, var, stmt)


def is_handed_over(body: ir.Block, var: ir.Var, stmt: ir.Stmt) -> bool:
    """Whether what ``stmt`` puts into a list has no other name there, nor is in anything else."""
    return ends_at(body, var, stmt) and not any(
        _gives_on(other, var) for other in statements(body) if other is not stmt
    )


def _gives_on(stmt: ir.Stmt, var: ir.Var) -> bool:
    """Whether a statement makes ``var`` known elsewhere: by another name, in a list or a tuple."""
    match stmt:
        case ir.Call(fn=name, args=(_, *args)) if name.startswith("list."):
            return var in args
        case ir.Assign(_, ir.Apply(name, args)) if name == MAKE:
            return var in args
        case ir.Assign(_, value, False):
            return value is var or any(
                isinstance(part, ir.MakeTuple) and var in part.items
                for part in subexpressions(value)
            )
        case ir.AssignMany(_, values):
            return var in values
        case ir.Store(value=value):
            return value is var
        case _:
            return False


def _ends_in(block: list[ir.Stmt], var: ir.Var, stmt: ir.Stmt) -> bool:
    inside = [s for s in block if mentions((s,), var)]
    if not inside:
        return False
    last = inside[-1]
    if isinstance(last, ir.If):
        return any(_ends_in(list(branch), var, stmt) for branch in blocks(last))
    return last is stmt


def returned_at(body: ir.Block, var: ir.Var, stmt: ir.Stmt) -> bool:
    """Whether the function that ``var`` belongs to, maybe an inlined one, ends at ``stmt``, which
    stands in a loop of it."""
    exits = {s.exit for s in statements(body) if isinstance(s, ir.For | ir.While)}
    entered = [s.vars for s in statements(body) if isinstance(s, ir.Unset)]
    for block in _all_blocks(body):
        behind = next((block[k + 1 :] for k, s in enumerate(block) if s is stmt), None)
        if behind is not None and all(isinstance(s, ir.Assign) for s in behind):
            return any(
                isinstance(s, ir.Assign)
                and s.target in exits
                and s.value == ir.Const(ir.RETURN)
                and all((var in own) == (s.target in own) for own in entered)
                for s in behind
            )
    return False


def _all_blocks(block: ir.Block) -> Iterator[ir.Block]:
    yield block
    for stmt in block:
        for inner in blocks(stmt):
            yield from _all_blocks(inner)


def _is_made(stmt: ir.Stmt, var: ir.Var) -> bool:
    """Whether ``var`` is set there, to something new."""
    match stmt:
        case ir.Assign(target, ir.Apply(name)) if name == MAKE:
            return target is var
        case ir.Assign(target, ir.Binary() | ir.Subscript(index=(ir.Slice(),)), False):
            return target is var  # of lists a copy; arrays are asked for their second names too
        case _:
            return _makes(stmt, var)


def _changes(stmt: ir.Stmt, owner: ir.Var) -> bool:
    match stmt:
        case ir.Assign(target):
            return target is owner
        case ir.Call(fn=name, args=(first, *_)):
            return first is owner and name.startswith("list.")
        case ir.Store(array):
            return array is owner
        case _:
            return False


def _with_paths(block: ir.Block, outer: Path = (), around: ir.Stmt | None = None) -> Paths:
    """Each statement, and where it stands in the blocks around it, the inner one last."""
    for k, stmt in enumerate(block):
        path = (*outer, (block, k, around))
        yield stmt, path
        for inner in blocks(stmt):
            yield from _with_paths(inner, path, stmt)


def _sets(stmt: ir.Stmt, var: ir.Var) -> bool:
    return any(var in stmt_defs(part) for part in statements((stmt,)))


def _makes(stmt: ir.Stmt, var: ir.Var) -> bool:
    """Whether a statement gives ``var`` an array that nobody else has."""
    match stmt:
        case ir.Alloc(target) | ir.Copy(target):
            return target is var
        case ir.Assign(target):
            return target is var and not any(_shared(stmt))
        case _:
            return False


def _shared_in(body: ir.Block) -> Iterator[tuple[ir.Var, ir.Var]]:
    """Pairs of variables that may name the same memory."""
    for stmt in statements(body):
        if isinstance(stmt, ir.Assign | ir.View):
            yield from ((stmt.target, source) for source in _shared(stmt))
        elif isinstance(stmt, ir.AssignMany):
            for target, value in zip(stmt.targets, stmt.values, strict=True):
                yield from ((target, source) for source in _shared(ir.Assign(target, value)))


def _shared(stmt: ir.Assign | ir.View) -> Iterator[ir.Var]:
    """Variables whose memory the target may share."""
    if isinstance(stmt, ir.View):
        yield stmt.base
        return
    match stmt.value:
        case ir.Var() as source:
            yield source
        case (
            ir.Subscript(ir.Var() as base)
            | ir.Attribute(ir.Var() as base)
            | ir.TupleGet(ir.Var() as base)
        ):
            yield base
        case ir.Apply(name, args) if name.startswith("arr."):
            yield from (arg for arg in args if isinstance(arg, ir.Var))
        case ir.MakeTuple(items):
            yield from (item for item in items if isinstance(item, ir.Var))
        case _:
            pass
