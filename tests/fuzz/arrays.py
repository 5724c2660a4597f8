"""Random programs over whole arrays: broadcasting, slices, masks, reductions, in-place updates."""

from __future__ import annotations

import random

from .tree import Clause, Function, Line, Program, Stmt

Shape = tuple[int, ...]
PARAMS: dict[str, Shape] = {"x": (6,), "y": (6,), "m": (3, 4)}
SHAPES: list[Shape] = [(6,), (6,), (5,), (4,), (3,), (3, 4), (3, 4), (4, 3), (3, 1)]


def generate(seed: str) -> Program:
    rng = random.Random(seed)
    maker = Maker(rng)
    body = [Stmt("assign", [Line("s = 0.1 * a")])]
    body += maker.block(rng.randint(3, 9), 0)
    body.append(Stmt("return", [Line(f"return s + {maker.result()}")]))
    names = ("x", "y", "a", "n", "p", "m")
    floats = (0, 1, 2, 5)
    if rng.random() < 0.3:
        floats = tuple(sorted(rng.sample(floats, rng.randint(1, 3))))
    return Program([], Function("f", ", ".join(names), body), floats, seed)


class Maker:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.shapes = dict(PARAMS)
        self.count = 0

    # ------------------------------------------------------------ expressions

    def number(self) -> str:
        return f"{self.rng.choice([0.2, 0.3, 0.5, 0.7, -0.4, -0.6, 1.2])}"

    def named(self, shape: Shape) -> list[str]:
        return [name for name, own in self.shapes.items() if own == shape]

    def array(self, shape: Shape, depth: int = 2) -> str:
        """An expression of this shape, of moderate size."""
        rng = self.rng
        roll = rng.random()
        if depth <= 0 or roll < 0.2:
            return self.leaf(shape)
        if roll < 0.45:
            op = rng.choice(["+", "-", "*"])
            return f"({self.array(shape, depth - 1)} {op} {self.operand(shape, depth - 1)})"
        if roll < 0.55:
            return f"np.{rng.choice(['sin', 'tanh', 'cos', 'abs'])}({self.array(shape, depth - 1)})"
        if roll < 0.62:
            a, b = self.array(shape, depth - 1), self.operand(shape, depth - 1)
            cond = f"{self.array(shape, 0)} {rng.choice(['>', '<='])} {self.number()}"
            return f"np.where({cond}, {a}, {b})"
        if roll < 0.68:
            name = rng.choice(["maximum", "minimum"])
            return f"np.{name}({self.array(shape, depth - 1)}, {self.operand(shape, depth - 1)})"
        if roll < 0.72:
            return f"({self.array(shape, depth - 1)} / (1.5 + {self.array(shape, 0)} ** 2))"
        return self.special(shape, depth)

    def operand(self, shape: Shape, depth: int) -> str:
        """Of this shape, or such as broadcasts to it."""
        roll = self.rng.random()
        if roll < 0.2:
            return self.rng.choice([self.number(), "a", "s"])
        if len(shape) == 2 and roll < 0.45:
            return self.array((shape[1],), depth)
        if len(shape) == 2 and roll < 0.6:
            return f"{self.array((shape[0],), depth)}[:, None]"
        return self.array(shape, depth)

    def leaf(self, shape: Shape) -> str:
        names = self.named(shape)
        if names and self.rng.random() < 0.8:
            return self.rng.choice(names)
        longer = [n for n, own in self.shapes.items() if len(own) == 1 and own[0] > shape[0]]
        if len(shape) == 1 and longer:
            name = self.rng.choice(longer)
            start = self.rng.randint(0, self.shapes[name][0] - shape[0])
            return f"{name}[{start}:{start + shape[0]}]"
        return f"np.full({shape}, {self.number()})"

    def special(self, shape: Shape, depth: int) -> str:
        rng = self.rng
        inner = self.array(shape, depth - 1)
        choices = [f"{inner}[::-1]", f"np.roll({inner}, {rng.randint(1, 3)})"]
        if len(shape) == 1:
            size = shape[0]
            choices += [f"(np.cumsum({inner}) * 0.5)", f"np.sort({inner})"]
            choices.append(f"{self.array((size + 1,), 0)}[1:]")
            choices.append(f"np.diff({self.array((size + 1,), 0)})")
            if size == 5:
                choices += [f"{self.array((6,), depth - 1)}[p]"] * 2
            if size in (3, 4):
                wide = (3, 4) if size == 3 else (4, 3)
                m = self.array(wide, depth - 1)
                choices += [
                    f"{m}.sum(axis=1)",
                    f"{m}.max(axis=1)",
                    f"{m}.mean(axis=1)",
                    f"{m}[:, {rng.randint(0, wide[1] - 1)}]",
                    f"({m} @ {self.array((wide[1],), 0)})",
                    f"{m}.T.sum(axis=0)",
                ]
        else:
            rows, columns = shape
            choices += [f"{self.array((columns, rows), depth - 1)}.T"] * 2
            choices.append(f"np.outer({self.array((rows,), 0)}, {self.array((columns,), 0)})")
            choices.append(f"({inner} - {inner}.mean(axis=1, keepdims=True))")
            if columns == 4:
                choices.append(f"({self.array((3, 1), 0)} * {self.array((4,), depth - 1)})")
            if rows == 3:
                choices.append(f"{inner}[[0, 2, {rng.randint(0, 2)}]]")
        return rng.choice(choices)

    def scalar(self, depth: int = 2) -> str:
        shape = self.rng.choice(SHAPES)
        e = self.array(shape, depth)
        vector = self.array((6,), 1)
        return self.rng.choice(
            [
                f"np.sum({e})",
                f"({e}).mean()",
                f"np.max({e})",
                f"np.min({e})",
                f"np.dot({vector}, {self.array((6,), 1)})",
                f"np.var({e})",
                f"np.sum({vector}[{self.leaf((6,))} > {self.number()}])",
                f"({e})[{', '.join(str(self.rng.randint(0, k - 1)) for k in shape)}]",
            ]
        )

    def result(self) -> str:
        """Everything there is, weighted."""
        parts = [f"{0.3 + 0.1 * k:.1f} * np.sum(np.sin({v}))" for k, v in enumerate(self.shapes)]
        return " + ".join(self.rng.sample(parts, min(len(parts), 4)))

    # ------------------------------------------------------------ statements

    def block(self, count: int, depth: int) -> list[Stmt]:
        known = dict(self.shapes)
        made = [self.statement(depth) for _ in range(count)]
        if depth:  # names made inside may be unset outside
            self.shapes = known
        return made

    def statement(self, depth: int) -> Stmt:
        roll = self.rng.random()
        if depth < 2 and roll < 0.12:
            header = Line(f"for i{depth} in range({self.rng.choice(['n', '2', '3'])})")
            return Stmt("for", [], [Clause("for", header, self.block(2, depth + 1))])
        if depth < 2 and roll < 0.2:
            header = Line(f"if s > {self.number()}")
            clauses = [Clause("if", header, self.block(2, depth + 1))]
            if self.rng.random() < 0.5:
                clauses.append(Clause("else", Line("else"), self.block(1, depth + 1)))
            return Stmt("if", [], clauses)
        if roll < 0.45:
            return self.new()
        if roll < 0.6:
            weight = self.rng.choice(["0.3", "-0.2", "0.5"])
            return Stmt("augassign", [Line(f"s = np.tanh(s + {weight} * {self.scalar()})")])
        return self.update()

    def new(self) -> Stmt:
        shape = self.rng.choice(SHAPES)
        if self.rng.random() < 0.25 and self.named(shape):  # rebound
            name = self.rng.choice(self.named(shape))
            return Stmt("rebind", [Line(f"{name} = {self.array(shape)} * 0.9")])
        self.count += 1
        name = f"v{self.count}"
        if self.rng.random() < 0.25:
            base = self.rng.choice(list(self.shapes))
            view, own = self.view_of(base)
            self.shapes[name] = own
            return Stmt("view", [Line(f"{name} = {view}")])
        text = self.array(shape)
        self.shapes[name] = shape
        return Stmt("assign", [Line(f"{name} = 0.8 * {text}")])

    def view_of(self, base: str) -> tuple[str, Shape]:
        own = self.shapes[base]
        if len(own) == 1:
            return self.rng.choice(
                [(f"{base}[::-1]", own), (f"{base}[:, None]", (own[0], 1)), (f"{base}[:]", own)]
            )
        return self.rng.choice([(f"{base}.T", own[::-1]), (f"{base}[:, 0]", own[:1])])

    def elements(self, name: str, shape: Shape) -> Stmt:
        """A loop over all elements; what it writes may be a number, which ends their history."""
        at = ", ".join("jk"[: len(shape)])
        inactive = [self.number(), "0.1 * j", "0.2 * p[j % 5]"]
        values = [*inactive, f"np.tanh({name}[{at}]) * a", f"0.6 * {name}[{at}] + 0.1 * s"]
        store = f"{name}[{at}] = {self.rng.choice(values)}"
        read = self.rng.choice([f"{v}[{at}]" for v in self.named(shape)])
        lines = [f"{'    ' * k}for {v} in range({n}):" for k, (v, n) in enumerate(zip("jk", shape))]
        indent = "    " * len(shape)
        if self.rng.random() < 0.4:
            lines += [f"{indent}s += 0.05 * np.sin({read})"]
        if self.rng.random() < 0.5:
            lines += [f"{indent}if {read} > {self.number()}:", f"{indent}    {store}"]
        else:
            lines += [f"{indent}{store}"]
        return Stmt("elements", [Line(line) for line in lines])

    def update(self) -> Stmt:
        rng = self.rng
        name = rng.choice(list(self.shapes))
        shape = self.shapes[name]
        op = rng.choice(["=", "+=", "-=", "*="])
        before, after = ("0.7 * ", "") if op != "*=" else ("0.5 + 0.3 * np.tanh(", ")")
        roll = rng.random()
        if roll < 0.08:
            return self.elements(name, shape)
        if roll < 0.2:
            return Stmt(
                "augassign",
                [Line(f"{name} {op[0]}= {before}{self.operand(shape, 1)}{after}")]
                if op != "="
                else [Line(f"{name}[...] = {before}{self.operand(shape, 1)}{after}")],
            )
        if roll < 0.35:
            mask = f"{name} > {self.number()}"
            value = rng.choice(["a", "s", self.number()])
            return Stmt("store", [Line(f"{name}[{mask}] {op} {before}{value}{after}")])
        if len(shape) == 2:
            if roll < 0.6:
                k = rng.randint(0, shape[0] - 1)
                return Stmt(
                    "store", [Line(f"{name}[{k}] {op} {before}{self.array(shape[1:])}{after}")]
                )
            k = rng.randint(0, shape[1] - 1)
            return Stmt(
                "store", [Line(f"{name}[:, {k}] {op} {before}{self.array(shape[:1])}{after}")]
            )
        if roll < 0.5 and shape == (6,):
            return Stmt("store", [Line(f"{name}[p] {op} {before}{self.array((5,))}{after}")])
        start = rng.randint(0, shape[0] - 1)
        stop = rng.randint(start + 1, shape[0])
        size = stop - start
        value = self.array((size,)) if size > 2 else f"np.tanh({self.scalar(1)})"
        if rng.random() < 0.15:
            value = self.number()
        return Stmt("store", [Line(f"{name}[{start}:{stop}] {op} {before}{value}{after}")])
