"""Assignments: to names, items and tuples of them, plain, simultaneous and augmented."""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Iterator

from adcompile.frontend.calls import Calls
from adcompile.frontend.operators import BINARY
from adcompile.frontend.session import Static
from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements as all_statements


class Assignments(Calls):
    def assignment(self, targets: list[ast.expr], value: ast.expr, node: ast.stmt) -> None:
        if len(targets) > 1:
            atom = self.atom(value)
            for target in targets:
                self.store(target, atom, node)
            return
        match targets[0], value:
            case ast.Name(id=name), _ if (found := self.names_function(value)) is not None:
                self.name_function(name, found, node)
            case ast.Name(id=name), (
                ast.Attribute(base, "dtype") | ast.Attribute(ast.Attribute(base, "dtype"), "type")
            ) if self.names_dtype(name, value):
                like = ir.Var(name, temp=True)  # the array as it is now
                self.emit(ir.Assign(like, self.atom(base), loc=self.loc(node)))
                self.session.dtypes[self.var(name)] = like
            case ast.Name(id=name), ast.Call(func=func) if self.makes_range(func):
                self.session.ranges.add(self.var(name))
                self.emit(ir.Assign(self.var(name), self.range_value(value), loc=self.loc(node)))
            case ast.Name(id=name), ast.Call() if (part := self.slice_made(value)) is not None:
                self.name_slice(name, part, node)
            case ast.Name(id=name), ast.Call() | ast.BinOp() if self.names_set(value):
                self.name_set(name, value, node)
            case ast.Name(id=name), _ if (found := self.settled(name, value, node)) is not None:
                self.known[name] = found
            case ast.Name(id=name), _:
                self.unname_function(name, node)
                self.assign(self.var(name), value, node)
            case (ast.Tuple() | ast.List()) as target, ast.Tuple(elts):
                if starred(target) or any(isinstance(e, ast.Starred) for e in elts):
                    self.refuse(node, "a starred assignment", "Write the items out.")
                if len(target.elts) != len(elts):
                    self.refuse(node, f"{len(elts)} values for {len(target.elts)} targets")
                self.simultaneous(target.elts, elts, node)
            case ast.Subscript() as target, ast.List() if any(
                isinstance(part, ast.Slice) for part in self.index_parts(target)
            ):
                made = ir.Apply("arr.array", (self.sequence(value), ir.Const(None)))
                self.store(target, self.temp(made, value), node)
            case target, _:
                self.store(target, self.atom(value), node)

    def name_slice(self, name: str, part: ast.Slice, node: ast.stmt) -> None:
        """``name = slice(a, b)``, where nothing but slices is ever given that name."""
        others = [
            self.slice_made(stmt.value)
            for stmt in ast.walk(self.source.node)
            if isinstance(stmt, ast.Assign)
            for target in stmt.targets
            if isinstance(target, ast.Name) and target.id == name
        ]
        parts = [other for other in others if other is not None]
        if len(parts) != self.source.stores[name] or name in self.source.parameters:
            self.refuse(node, f"{name!r} is a slice here, and set elsewhere", "Use two names.")

        def kept(what: str) -> ast.expr | None:
            end, ends = getattr(part, what), [getattr(other, what) for other in parts]
            texts = {None if e is None else ast.unparse(e) for e in ends}
            if len(texts) == 1 and (end is None or isinstance(end, ast.Constant)):
                return end
            if what == "step" and end is None:
                end = ast.copy_location(ast.Constant(1), node)
            elif None in texts and what != "step":
                self.refuse(node, f"{name!r}: a slice whose end is None on some lines alone")
            hidden = f"<{name} {what}>"
            var = self.vars.setdefault(hidden, ir.Var(f"{name}_{what}", temp=True))
            self.emit(ir.Assign(var, self.tree(end), loc=self.loc(node)))
            return ast.copy_location(ast.Name(hidden, ast.Load()), end)

        ends = kept("lower"), kept("upper"), kept("step")
        self.slices[name] = ast.copy_location(ast.Slice(*ends), node)

    def names_dtype(self, name: str, value: ast.expr) -> bool:
        """``name = x.dtype`` or ``x.dtype.type``, where nothing else is ever given that name."""
        return self.stored_once(name) and self.static(value) is None

    def settled(self, name: str, value: ast.expr, node: ast.stmt) -> Static | None:
        """The value of ``name = False`` and ``name = 3`` where the name never has another one, so
        that branches which it decides are left out, with all that they call."""
        if not any(node is stmt for stmt in self.source.node.body) or not self.stored_once(name):
            return None
        outside = Static(value.value) if isinstance(value, ast.Constant) else self.static(value)
        plain = outside is not None and type(outside.value) in (bool, int)
        own = name in self.source.assigned - self.source.parameters  # and not nonlocal
        return outside if plain and own else None

    def stored_once(self, name: str) -> bool:
        return self.source.stores[name] == 1

    def makes_range(self, func: ast.expr) -> bool:
        outside = self.static(func)
        return outside is not None and outside.value is range

    @abstractmethod
    def range_value(self, node: ast.expr) -> ir.Expr:
        """start, stop and step of a call of ``range``, as a tuple (iteration.py)."""

    def simultaneous(self, targets: list[ast.expr], values: list[ast.expr], node: ast.stmt) -> None:
        """``a, b = b, a``: all values first."""
        atoms = list(self.atoms(values))
        assigned = [self.var(name) for target in targets for name in flat_names(target)]
        if any(atom in assigned for atom in atoms if isinstance(atom, ir.Var)):
            names = [self.var(t.id) for t in targets if isinstance(t, ast.Name)]
            if len(names) == len(targets) == len(set(names)):
                self.emit(ir.AssignMany(tuple(names), tuple(atoms), self.loc(node)))
                return
            for k, atom in enumerate(atoms):
                if isinstance(atom, ir.Var) and atom in assigned:
                    old = ir.Var("t", temp=True)
                    self.emit(ir.Assign(old, atom, loc=self.loc(node)))
                    atoms[k] = old
        for target, atom in zip(targets, atoms):
            self.store(target, atom, node)

    def store(self, target: ast.expr, value: ir.Expr, node: ast.stmt) -> None:
        """Assign an atom to any target."""
        target = self.field_of_element(target)
        match target:
            case ast.Name(id=name):
                self.emit(ir.Assign(self.var(name), value, loc=self.loc(node)))
            case ast.Tuple(elts) | ast.List(elts):
                self.refuse_dict(value, node, "unpacking")
                if starred(target):
                    self.refuse(node, "a starred assignment", "Write the items out.")
                if isinstance(value, ir.Var) and value in [self.var(n) for n in flat_names(target)]:
                    whole = ir.Var("t", temp=True)  # the tuple's own name is a target
                    self.emit(ir.Assign(whole, value, loc=self.loc(node)))
                    value = whole
                parts = tuple(ir.TupleGet(value, k, len(elts)) for k in range(len(elts)))
                for inner, part in zip(elts, parts):
                    if isinstance(inner, ast.Name):
                        self.emit(ir.Assign(self.var(inner.id), part, loc=self.loc(node)))
                    else:
                        self.store(inner, self.temp(part, target), node)
            case ast.Subscript():
                array = self.array(target)
                if (new := self.changed_dict(array, target, value)) is not None:
                    self.emit(ir.Assign(array, new, loc=self.loc(node)))
                    return
                self.emit(ir.Store(array, self.index(target), value, self.loc(node)))
            case ast.Attribute():
                self.refuse(target, "assignment to an attribute", "Use a variable or an array.")
            case _:
                self.refuse_node(target)

    def field_of_element(self, target: ast.expr) -> ast.expr:
        """``r[i].x`` and ``r[i]["x"]`` of structured arrays as ``r["x"][i]``."""
        match target:
            case ast.Attribute(ast.Subscript(ast.Name() as base, place), name):
                pass
            case ast.Subscript(ast.Subscript(ast.Name() as base, place), ast.Constant(str(name))):
                pass
            case _:
                return target
        if not self.is_local(base):
            return target
        if name not in self.session.records.get(self.var(base.id), ()):
            return target
        field = ast.Subscript(base, ast.Constant(name), ast.Load())
        moved = ast.Subscript(field, place, ast.Store())
        return ast.fix_missing_locations(ast.copy_location(moved, target))

    def array(self, target: ast.Subscript) -> ir.Var:
        """The array that a subscript on the left writes to."""
        if self.static(target.value) is not None:
            self.refuse(
                target,
                f"{ast.unparse(target.value)!r} is captured, and so read-only",
                "Pass it as an argument.",
            )
        array = self.atom(target.value)
        if not isinstance(array, ir.Var):
            self.refuse(target, "assignment to an item of something that is not an array")
        return array

    def augmented(self, node: ast.AugAssign) -> None:
        op, loc = node.op, self.loc(node)
        if isinstance(op, ast.MatMult):
            return self.product_in_place(node)
        match self.field_of_element(node.target):
            case ast.Name(id=name):
                var = self.var(name)
                value = self.atom(node.value)
                self.emit(ir.Assign(var, self.binary(node.value, op, var, value), True, loc))
            case ast.Subscript() as target:
                array = self.array(target)
                self.augmented_item(node, array, target)
            case _:
                self.refuse(node, "assignment to an attribute", "Use a variable or an array.")

    def changed_dict(
        self, owner: ir.Var, target: ast.Subscript, value: ir.Expr | None
    ) -> ir.Expr | None:
        """The dict with another value for a literal key; None if ``owner`` is not known as one."""
        match target.slice:
            case ast.Constant(value=str() as key):
                keys = self.session.dicts.get(owner)
            case _ if owner in self.session.dicts:
                self.refuse(
                    target,
                    "a dict whose keys are not literal text is not supported",
                    "Write the keys as literals, or use an array or a NamedTuple.",
                )
            case _:
                return None
        if keys is None:
            if self.keys_known(owner) is not None:
                self.refuse(
                    target,
                    f"the dict {owner.name!r} is an argument: its items cannot be set",
                    "Make a new dict, or assign to the elements of its arrays.",
                )
            return None
        if owner in self.session.shared:
            self.refuse(
                target,
                f"the dict {owner.name!r} is changed and has two names",
                "Make a new dict: d = {...}.",
            )
        if key not in keys and (value is None or self.depth > self.root_depth):
            self.refuse(
                target, f"a new key, {key!r}", "Give the dict all its keys when it is made."
            )
        self.session.stored.add(owner)
        items: dict[str, ir.Expr] = {}
        for name in keys:
            items[name] = self.temp(ir.Subscript(owner, (ir.Const(name),)), target)
        return self.dict_of({**items, key: items[key] if value is None else value})

    def product_in_place(self, node: ast.AugAssign) -> None:
        """``a @= b``: the product, then a copy into ``a``."""
        if not isinstance(node.target, ast.Name):
            self.refuse(node, "@= of an item is not supported", "Write a[i] = a[i] @ b.")
        var = self.var(node.target.id)
        product = self.temp(self.binary(node.value, node.op, var, self.atom(node.value)), node)
        self.emit(ir.Store(var, (ir.Const(...),), product, self.loc(node)))

    def augmented_item(self, node: ast.AugAssign, array: ir.Var, target: ast.Subscript) -> None:
        op, loc = BINARY[type(node.op)], self.loc(node)
        if (
            self.keys_known(array) is not None
            and self.changed_dict(array, target, None) is not None
        ):
            old = self.temp(ir.Subscript(array, self.index(target)), node)
            value = self.temp(self.binary(node, node.op, old, self.atom(node.value)), node)
            new = self.changed_dict(array, target, value)
            assert new is not None
            self.emit(ir.Assign(array, new, loc=loc))
            return
        lifted = self.lifts(node.value)
        index = self.index(target, named=op not in "+-" or lifted)
        with self.block() as early:
            value = self.atom(node.value)
        writes = any(isinstance(s, ir.Store | ir.Accumulate) for s in all_statements(tuple(early)))
        if op in ("+", "-") and not writes:
            for stmt in early:
                self.emit(stmt)
            self.emit(ir.Accumulate(array, index, value, op, loc))
            return
        # Python reads the old value before it evaluates the right-hand side.
        old = self.temp(ir.Subscript(array, index), node)
        for stmt in early:
            self.emit(stmt)
        new = self.temp(self.binary(node, node.op, old, value), node)
        self.emit(ir.Store(array, index, new, loc))


def flat_names(target: ast.expr) -> Iterator[str]:
    """The names that a target assigns."""
    match target:
        case ast.Name(id=name):
            yield name
        case ast.Tuple(elts) | ast.List(elts):
            for part in elts:
                yield from flat_names(part)
        case _:
            pass


def starred(target: ast.Tuple | ast.List) -> bool:
    return any(isinstance(part, ast.Starred) for part in target.elts)
