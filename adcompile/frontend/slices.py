"""What stands between the brackets of a subscript: ``slice(a, b)`` and names for it as ``a:b``."""

from __future__ import annotations

import ast

from adcompile.frontend.lifting import Lifting


class Slices(Lifting):
    def index_parts(self, node: ast.Subscript) -> list[ast.expr]:
        """What stands between the commas; ``slice(a, b)`` as ``a:b``."""
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return [self.slice_made(part) or part for part in parts]

    def slice_made(self, node: ast.expr) -> ast.Slice | None:
        """The slice that a call of ``slice``, or a name for one, stands for."""
        match node:
            case ast.Name(id=name):
                return self.slices.get(name)
            case ast.Call(func, args, []) if 1 <= len(args) <= 3:
                outside = self.static(func)
                if outside is None or outside.value is not slice:
                    return None
                given = [None if _is_none(arg) else arg for arg in args]
                if len(given) == 1:
                    given = [None, *given]
                lower, upper, step = (*given, None)[:3]
                return ast.copy_location(ast.Slice(lower, upper, step), node)
            case _:
                return None

    def index_nodes(self, node: ast.Subscript) -> list[ast.expr]:
        """The expressions in an index, those of slices included, in order."""
        nodes: list[ast.expr] = []
        for part in self.index_parts(node):
            if isinstance(part, ast.Slice):
                nodes += [x for x in (part.lower, part.upper, part.step) if x is not None]
            else:
                nodes.append(part)
        return nodes


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
