"""What is known of an expression before it is read: which parts need statements in front of it, so
that Python's order of evaluation and the laziness of and/or are kept; ranks."""

from __future__ import annotations

import ast
from abc import abstractmethod

from adcompile.frontend.frame import Frame
from adcompile.ir import nodes as ir

_LITERAL = ast.Tuple | ast.List | ast.Set


class Lifting(Frame):
    @abstractmethod
    def call_lifts(self, node: ast.Call) -> bool:
        """Whether a call needs statements."""

    def lifts(self, node: ast.expr) -> bool:
        """Whether ``tree(node)`` may need statements in front of it."""
        match node:
            case ast.Name() if self.source.rebinds and self.static(node) is None:
                return True
            case ast.IfExp() | ast.NamedExpr() | ast.BinOp(op=ast.MatMult()) | ast.List():
                return True
            case ast.ListComp() | ast.GeneratorExp():
                return True
            case ast.BinOp() if self.may_fail(node):
                return True
            case ast.Compare(_, ops, comparators) if len(ops) > 1:
                if any(not isinstance(c, ast.Name | ast.Constant) for c in comparators[:-1]):
                    return True
            case ast.Compare(x, [ast.In() | ast.NotIn(), *_], [items, *_]):
                parts = [x, *items.elts] if isinstance(items, _LITERAL) else [x]
                known = isinstance(items, _LITERAL) or self.static(items) is not None
                return not known or not all(isinstance(p, ast.Name | ast.Constant) for p in parts)
            case ast.Call() if self.call_lifts(node):
                return True
            case ast.Attribute() | ast.Subscript() if self.static(node) is not None:
                return False
            case ast.Attribute(attr="flat"):
                return True
            case ast.Attribute(value) if not isinstance(value, ast.Name):
                return True
            case ast.Subscript(value) if self.base_lifts(value):
                return True
            case ast.Subscript(ast.Name(id=name), index) if not isinstance(index, ast.Constant):
                if name in self.vars and self.vars[name] in self.session.arity:
                    return True  # an item of a tuple is found by comparisons
            case ast.Subscript(ast.Subscript(slice=ast.Constant(value=str()))):
                return True
            case _:
                pass
        return any(
            self.lifts(part) for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)
        ) or any(
            self.lifts(inner)
            for part in ast.iter_child_nodes(node)
            if isinstance(part, ast.keyword | ast.Slice)
            for inner in ast.iter_child_nodes(part)
            if isinstance(inner, ast.expr)
        )

    def base_lifts(self, base: ast.expr) -> bool:
        """Whether the base of a subscript in a tree needs a name."""
        match base:
            case ast.Name():
                outside = self.static(base)
                return outside is not None and isinstance(outside.value, tuple)
            case ast.Attribute(value=ast.Name(), attr="shape"):
                return False
            case ast.Subscript(value, index):
                parts = index.elts if isinstance(index, ast.Tuple) else [index]
                return any(isinstance(p, ast.Slice) for p in parts) or self.base_lifts(value)
            case _:
                return True

    def may_fail(self, node: ast.BinOp) -> bool:
        """Integer division needs a test for zero, unless the divisor is a literal; so does every
        division whose error may be caught."""
        if not isinstance(node.op, ast.FloorDiv | ast.Mod):
            if not (isinstance(node.op, ast.Div) and self.catches_zero()):
                return False
        match node.right:
            case ast.Constant(value=int() | float() as value):
                return not value
            case ast.UnaryOp(ast.USub(), ast.Constant(value=int() | float() as value)):
                return not value
            case _:
                outside = self.static(node.right)
                known = isinstance(outside.value, int | float) if outside is not None else False
                return not (known and outside is not None and outside.value)

    def catches_zero(self) -> bool:
        """Whether a division by zero would be caught here."""
        return self.session.trying > 0 and self.session.raises_on_zero

    def rank_known(self, node: ast.expr) -> ir.Const | None:
        """``x.ndim`` and ``len(x.shape)`` of an array whose type is known."""
        match node:
            case ast.Attribute(ast.Name(), "ndim") | ast.Call(
                ast.Name("len"), [ast.Attribute(ast.Name(), "shape")], []
            ):
                whole = node if isinstance(node, ast.Attribute) else node.args[0]
                assert isinstance(whole, ast.Attribute) and isinstance(whole.value, ast.Name)
                if self.static(whole.value) is None:
                    rank = self.session.ranks.get(self.var(whole.value.id))
                    return ir.Const(rank) if rank else None
                return None
            case _:
                return None

    def unstarred(self, nodes: list[ast.expr]) -> list[ast.expr]:
        """``*x.shape[:-1]`` and ``*t`` written out, where it is known how many items they have."""
        out: list[ast.expr] = []
        for node in nodes:
            items = self.written_out(node.value) if isinstance(node, ast.Starred) else None
            out += [node] if items is None else items
        return out

    def written_out(self, node: ast.expr) -> list[ast.expr] | None:
        match node:
            case ast.Tuple(elts) | ast.List(elts):
                return self.unstarred(elts)
            case ast.Subscript(inner, ast.Slice(lower, upper, step)):
                whole = self.written_out(inner)
                ends = [_integer(end) for end in (lower, upper, step) if end is not None]
                if whole is None or None in ends:
                    return None
                start, stop, by = (None if e is None else _integer(e) for e in (lower, upper, step))
                return whole[start:stop:by]
            case ast.Attribute(ast.Name(id=name), "shape") if self.static(node.value) is None:
                count = self.session.ranks.get(self.var(name))
            case ast.Name(id=name) if self.static(node) is None:
                count = self.session.arity.get(self.var(name))
            case _:
                return None
        if not count:
            return None
        return [
            ast.fix_missing_locations(
                ast.copy_location(ast.Subscript(node, ast.Constant(k), ast.Load()), node)
            )
            for k in range(count)
        ]


def _integer(node: ast.expr) -> int | None:
    """A literal integer."""
    match node:
        case ast.Constant(value=int() as value):
            return value
        case ast.UnaryOp(ast.USub(), ast.Constant(value=int() as value)):
            return -value
        case _:
            return None
