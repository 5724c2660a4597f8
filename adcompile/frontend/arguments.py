"""Calls of the user's functions, which are inlined: arguments to parameters, stars, defaults,
functions and None as values, and how far recursion is followed."""

from __future__ import annotations

import ast
import inspect
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import FunctionType
from typing import Any, Self

from numba.core import types as nt

from adcompile.errors import UnsupportedError
from adcompile.frontend.customs import Given
from adcompile.frontend.frame import Frame, LocalFunction
from adcompile.frontend.function_values import FunctionValues
from adcompile.frontend.ranks import kind_rank
from adcompile.frontend.session import Pack, Static
from adcompile.frontend.source import Source, read_source
from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements as all_statements
from adcompile.ir.walk import stmt_defs
from adcompile.makers import names_of_records, with_lists

Function = FunctionType | LocalFunction
DEEPEST, MOST = 60, 500  # calls of itself within each other, and in all
LARGEST = 20_000  # statements of a program with such calls
UNROLLED = 4  # where the depth is known at run time


def bind_parameters(
    frame: Frame, params: Mapping[str, ir.Var], kinds: Sequence[Any] | None, func: Any
) -> None:
    """What the types of its arguments tell about the parameters of the function itself."""
    session = frame.session
    if kinds is None:
        session.unknown.update(params.values())
        return
    signature = declared(func)
    wanted: Sequence[Any] = kinds if signature is None else signature.args
    for (name, var), kind, want in zip(params.items(), kinds, wanted):
        known = _known(kind)
        if isinstance(kind, nt.EnumMember):  # in programs, members are their values
            frame.vars[name] = ir.Var(name)
            frame.own(frame.vars[name], name)
            member = ir.Apply("rt.member_value", (var,))
            frame.emit(ir.Assign(frame.vars[name], member, loc=frame.loc(frame.source.node)))
            continue
        if isinstance(kind, nt.Number):
            session.numbers.add(var)
        if isinstance(kind, nt.BaseNamedTuple) and name not in frame.source.assigned:
            session.records[var] = names_of_records(kind.instance_class)
        if (rank := kind_rank(kind)) is not None:
            session.ranks[var] = rank
        absent = known is not None and known.value is None
        if var in session.flags:
            frame.emit(ir.Assign(session.flags[var], ir.Const(not absent)))
            if absent:
                frame.emit(ir.Unset((var,)))
        elif known is not None and name not in frame.source.assigned:
            frame.known[name] = known
        elif absent and known is not None:
            frame.initial[var] = known
        elif isinstance(kind, nt.BaseTuple) and isinstance(with_lists(kind), nt.BaseTuple):
            session.arity[var] = len(kind)
            session.kinds[var] = kind
        elif kind != want and isinstance(kind, nt.Number) and (cast := conversion_name(want)):
            frame.emit(ir.Assign(var, ir.Apply(cast, (var,))))


def _known(kind: Any) -> Static | None:
    """The value of an argument that its type tells."""
    match kind:
        case nt.NoneType():
            return Static(None)
        case nt.Omitted(value=value) if value is None or isinstance(value, bool | str):
            return Static(value)
        case nt.Omitted(value=value) if callable(value):
            return Static(value)
        case nt.NumberClass(instance_type=number):
            return Static(number)
        case nt.Dispatcher(dispatcher=dispatcher):
            return Static(dispatcher)
        case nt.Function(typing_key=key) if callable(key):
            return Static(key)
        case _:
            return None


_SAME = ((float, "np.float64"), (int, "np.int64"), (bool, "np.bool_"))


def declared(dispatcher: Any) -> Any:
    """The signature of a Dispatcher that was given exactly one, and so compiles no other."""
    signatures: Any = getattr(dispatcher, "nopython_signatures", ())
    if len(signatures) != 1 or getattr(dispatcher, "_can_compile", True):
        return None
    return signatures[0]


def conversion_name(kind: Any) -> str | None:
    """What converts a number to this type."""
    is_number: bool = isinstance(kind, nt.Integer | nt.Float | nt.Complex)
    return f"np.{kind}" if is_number else None


class Arguments(FunctionValues):
    @abstractmethod
    def lower_body(self) -> ir.Expr | None:
        """Emit the function's statements; its result, or None if it has none (statements.py)."""

    @abstractmethod
    def exception(self, cls: object, node: ast.AST) -> str:
        """Record an exception class; its key (raising.py)."""

    def child(self, source: Source, outer: Frame | None) -> Self:
        return type(self)(self.session, source, outer)

    # ------------------------------------------------------------ inlining

    def inline(self, node: ast.Call, func: Function) -> ir.Expr:
        """The statements of the callee, on variables of its own."""
        return self.inlined(node, func, lambda: self.given(node, func))

    def converted(self, node: ast.Call, func: FunctionType, dispatcher: Any) -> ir.Expr:
        """A call of a Dispatcher, which converts numbers to the types of its one signature."""
        signature = declared(dispatcher)
        if signature is None:
            return self.inline(node, func)
        kinds = dict(zip(inspect.signature(func).parameters, signature.args))
        given = {
            name: self.conversion(value, kinds.get(name), node)
            for name, value in self.given(node, func).items()
        }
        result = self.inlined(node, func, given)
        made = self.conversion(result, signature.return_type, node)
        assert not isinstance(made, Static)
        return made

    def conversion(self, value: Static | ir.Expr, kind: Any, node: ast.AST) -> Static | ir.Expr:
        name = conversion_name(kind)
        if name is None or isinstance(value, ir.MakeTuple):
            return value
        if isinstance(value, Static):
            if not isinstance(value.value, int | float):
                return value
            value = ir.Const(value.value)
        if isinstance(value, ir.Const):
            if type(value.value) is int and name == "np.float64":
                return ir.Const(float(value.value))
            if (type(value.value), name) in _SAME:
                return value
        return self.temp(ir.Apply(name, (value,)), node)

    def inlined(
        self, node: ast.AST, func: Function, values: Given | Callable[[], Given]
    ) -> ir.Expr:
        local = isinstance(func, LocalFunction)
        source = func.source if isinstance(func, LocalFunction) else self.source_of(func)
        callee = self.child(source, func.frame if isinstance(func, LocalFunction) else None)
        if local:
            callee.loops = self.loops
        self.bind(node, callee, values() if callable(values) else values)
        if self.too_deep(node, callee):
            return ir.Const(0.0)
        self.session.stack.append(source.key)
        self.session.literals.append(callee.known)
        try:
            with self.block() as body:
                callee.out = body
                result = callee.lower_body()
        finally:
            self.session.stack.pop()
            self.session.literals.pop()
        own = {v: None for stmt in all_statements(tuple(body)) for v in stmt_defs(stmt)}
        flags = self.session.flags
        kept = callee.bound | self.outer_variables(func)
        kept |= {flags[var] for var in callee.bound if var in flags}
        self.emit(ir.Unset(tuple(v for v in own if v not in kept), self.loc(node)))
        for stmt in body:
            self.take_over(stmt)
        return ir.Const(None) if result is None else result

    def source_of(self, func: FunctionType) -> Source:
        """Its text, read once."""
        known = self.session.sources
        if func not in known:
            known[func] = read_source(func)
        return known[func]

    def outer_variables(self, func: Function) -> set[ir.Var]:
        """The variables that a function inside another one shares with it."""
        return set(func.frame.vars.values()) if isinstance(func, LocalFunction) else set()

    def take_over(self, stmt: ir.Stmt) -> None:
        """Append a statement of the callee's, whose flags stand behind it already."""
        from adcompile.frontend.exits import diverges

        if not diverges(self.out):
            self.out.append(stmt)

    def too_deep(self, node: ast.AST, callee: Frame) -> bool:
        """Whether a function calls itself deeper than calls are followed, which then ends the run.

        A depth that literal integers count is followed to its end.
        """
        session, key = self.session, callee.source.key
        depth = session.stack.count(key)
        if not depth:
            return False
        session.repeated += 1
        frames = zip(reversed(session.stack), reversed(session.literals))
        last = next((known for one, known in frames if one == key), {})
        counted = any(
            isinstance(found.value, int) and (name not in last or last[name].value != found.value)
            for name, found in callee.known.items()
        )
        name = callee.source.node.name
        if session.repeated > MOST or session.emitted > LARGEST:
            self.refuse(
                node,
                f"{name} calls itself too often: recursion is followed call by call",
                "Write it as a loop, or end with return f(...), which is one.",
            )
        deepest = DEEPEST if counted else UNROLLED
        if depth <= deepest:
            return False
        text = (
            f"{name} calls itself more than {deepest} deep, to a depth that is known at run time "
            f"only\n  at {self.loc(node)}\n  Write it as a loop, or end with return f(...)."
        )
        key_of_error = self.exception(UnsupportedError, node)
        self.emit(ir.Raise(key_of_error, (ir.Const(text),), self.loc(node)))
        return True

    # ------------------------------------------------------------ arguments

    def given(self, node: ast.Call, func: Function) -> Given:
        if isinstance(func, LocalFunction):
            source, name = func.source, func.source.node.name
        else:
            source, name = self.source_of(func), func.__name__
        spec = source.node.args
        if spec.kwarg:
            self.refuse(node, f"{name} takes ** arguments", "Give it plain parameters.")
        places = [arg.arg for arg in (*spec.posonlyargs, *spec.args)]
        names = [*places, *(arg.arg for arg in spec.kwonlyargs)]
        positional: list[Static | ir.Expr] = []
        for arg in node.args:  # evaluated in the order written
            if isinstance(arg, ast.Starred):
                positional += self.starred_items(arg)
            else:
                positional.append(self.argument(arg))
        values: dict[str, Static | ir.Expr] = dict(zip(places, positional))
        rest = positional[len(places) :]
        if rest and not spec.vararg:
            self.refuse(node, f"{name} is called with too many arguments")
        by_name = set(names) - {arg.arg for arg in spec.posonlyargs}
        for keyword in node.keywords:
            if keyword.arg is None:
                self.refuse(node, "** in a call is not supported", "Write the arguments out.")
            if keyword.arg not in by_name or keyword.arg in values:
                self.refuse(node, f"{name} cannot take the argument {keyword.arg}=")
            values[keyword.arg] = self.argument(keyword.value)
        defaults = self.defaults(func)
        for parameter in names:
            if parameter not in values:
                if parameter not in defaults:
                    self.refuse(node, f"{name} is called without {parameter!r}")
                values[parameter] = defaults[parameter]
        found = {parameter: values[parameter] for parameter in names}
        if spec.vararg:
            functions = any(isinstance(item, Static) for item in rest)
            plain = tuple(item for item in rest if not isinstance(item, Static))
            packed: Static | ir.Expr = ir.MakeTuple(plain)
            if functions:
                items = (i if isinstance(i, Static) else self.kept(i, node) for i in rest)
                found[spec.vararg.arg] = Static(Pack(tuple(items)))
            else:
                found[spec.vararg.arg] = packed
        return found

    def defaults(self, func: Function) -> dict[str, Static]:
        if isinstance(func, FunctionType):
            parameters = inspect.signature(func, follow_wrapped=False).parameters.values()
            return {p.name: Static(p.default) for p in parameters if p.default is not p.empty}
        spec = func.source.node.args
        places = [arg.arg for arg in (*spec.posonlyargs, *spec.args)]
        nodes: dict[str, ast.expr | None] = dict(
            zip(places[len(places) - len(spec.defaults) :], spec.defaults)
        )
        nodes.update(zip((arg.arg for arg in spec.kwonlyargs), spec.kw_defaults))
        found: dict[str, Static] = {}
        for name, node in nodes.items():
            if node is None:
                continue
            outside = func.frame.static(node)
            value = self.tree(node) if outside is None else outside
            if isinstance(value, ir.Const):
                value = Static(value.value)
            if not isinstance(value, Static):
                self.refuse(node, "a default that is computed", "Pass it as an argument.")
            found[name] = value
        return found

    def argument(self, node: ast.expr) -> Static | ir.Expr:
        """An atom; a function, or None where that is known, as it is."""
        outside = self.static(node)
        if outside is not None and (callable(outside.value) or isinstance(outside.value, Pack)):
            return outside
        atom = self.atom(node)
        if isinstance(atom, ir.Var) and self.loops == 0 and atom in self.initial:
            return self.initial[atom]
        return atom

    def starred_items(self, node: ast.Starred) -> list[Static | ir.Expr]:
        """The items of a tuple in a call."""
        inner = node.value
        outside = self.static(inner)
        if outside is not None and isinstance(outside.value, Pack):
            return list(outside.value.items)
        if isinstance(inner, ast.Tuple | ast.List):
            return [self.argument(item) for item in inner.elts]
        if outside is not None and isinstance(outside.value, tuple | list):
            return [
                Static(item) if callable(item) else self.temp(self.constant(item, inner), inner)
                for item in outside.value
            ]
        whole = self.atom(inner)
        self.refuse_dict(whole, node, "* of")
        count = self.session.arity.get(whole) if isinstance(whole, ir.Var) else None
        if count is None:
            self.refuse(
                node,
                f"how many items *{ast.unparse(inner)} has is not known while parsing",
                "Write the arguments out.",
            )
        return [self.temp(ir.TupleGet(whole, k), node) for k in range(count)]

    def bind(self, node: ast.AST, callee: Self, values: Given) -> None:
        """Arguments to parameters: names of their own, except literals and functions."""
        for name, value in values.items():
            if isinstance(value, ir.Const):
                value = Static(value.value)
            var = callee.var(name)
            if isinstance(value, Static):
                if name not in callee.source.assigned:
                    callee.known[name] = value
                    continue
                if value.value is None and var not in self.session.flags:
                    callee.initial[var] = value
                    continue
                if callable(value.value) or isinstance(value.value, Pack):
                    self.refuse(
                        node,
                        f"{name!r} is a function, and is assigned in {callee.source.node.name}",
                        "Rename one.",
                    )
                value = self.constant(value.value, ast.Name(name, ast.Load()))
            elif value in self.session.computed:
                self.session.computed.add(var)
            elif value in self.session.unknown:
                self.session.unknown.add(var)
            callee.bound.add(var)
            self.bindings = frozenset((var,))
            self.emit(ir.Assign(var, value, loc=self.loc(node)))
