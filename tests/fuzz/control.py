"""Random loops, branches and exits, and whole blocks."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable

from .scope import Helper, Var, Where
from .statements import Statements
from .tree import Clause, Expr, Line, Stmt

MAX_DEPTH = 4
MAX_WORK = 100
WEIGHTS = {
    "assign": 7.0, "augassign": 4.0, "store": 6.0, "augstore": 4.0, "int-assign": 2.5, "flag": 1.0,
    "view": 2.5, "alias": 1.4, "rebind": 1.8, "swap-arrays": 1.4, "swap-scalars": 1.0,
    "alloc": 2.0, "copy": 1.4, "slice-copy": 1.6, "fill": 1.3, "tuple-pack": 1.0,
    "tuple-unpack": 1.3, "call": 1.6, "index-store": 1.5, "assert": 1.0, "phi": 0.8,
    "for": 5.0, "left": 1.0, "while": 4.5, "if": 6.0, "break": 1.7, "continue": 1.8, "return": 1.3,
    "raise": 0.8,
}  # fmt: skip
NESTING = ("for", "left", "while", "if")


class Control(Statements):
    def __init__(self, rng: random.Random, helpers: list[Helper], returns: str = "f") -> None:
        super().__init__(rng, helpers)
        self.returns = returns
        # every program prefers some kinds
        self.weights = {k: w * 2 ** rng.gauss(0, 0.8) for k, w in WEIGHTS.items()}
        self.budget = 0
        self.makers: dict[str, Callable[[], Stmt | None]] = {
            "assign": self.assign, "augassign": self.augassign, "store": self.store,
            "augstore": self.augstore, "int-assign": self.int_assign, "flag": self.flag,
            "view": self.view, "alias": self.alias, "rebind": self.rebind,
            "swap-arrays": self.swap_arrays, "swap-scalars": self.swap_scalars,
            "alloc": self.alloc, "copy": self.copy, "slice-copy": self.slice_copy,
            "fill": self.fill, "tuple-pack": self.tuple_pack, "tuple-unpack": self.tuple_unpack,
            "call": self.call_helper, "index-store": self.index_store, "assert": self.check,
        }  # fmt: skip

    # ------------------------------------------------------------ blocks

    def block(self, where: Where, most: int, end: float = 0.0) -> list[Stmt]:
        """Up to ``most`` statements in their own scope; an exit at the end with chance ``end``."""
        variables, counts = list(self.scope.variables), self.scope.counts.copy()
        out = self.block_here(where, self.rng.randint(1, max(1, most)))
        if self.chance(end):
            out.append(self.exit(where))
        self.scope.variables = variables
        if self.chance(0.5):  # later blocks may use the names again
            for prefix in ("s", "u", "k"):
                self.scope.counts[prefix] = counts[prefix]
        return out

    def block_here(self, where: Where, count: int) -> list[Stmt]:
        """``count`` statements in the present scope."""
        made = [self.statement(where) for _ in range(count)]
        return [s for s in made if s is not None]

    def statement(self, where: Where) -> Stmt | None:
        kinds = list(self.weights)
        for _ in range(8):
            kind = self.rng.choices(kinds, [self.weights[k] for k in kinds])[0]
            if kind in NESTING and (where.depth >= MAX_DEPTH or self.budget <= 0):
                continue
            if kind in ("break", "continue") and not where.in_loop:
                continue
            if (s := self.make(kind, where)) is not None:
                self.budget -= 1
                return s
        return None

    def make(self, kind: str, where: Where) -> Stmt | None:
        match kind:
            case "for":
                return self.for_loop(where)
            case "left":
                return self.left(where)
            case "while":
                return self.while_loop(where)
            case "if":
                return self.branch(where)
            case "break" | "continue" | "return" | "raise":
                body = [self.simple()] if self.chance(0.4) else []
                body.append(self.exit(where, kind))
                unlikely = kind in ("return", "raise") and self.chance(0.6 if where.depth else 0.95)
                c = Expr("{0} > 0.9", [self.number(1)], "b") if unlikely else self.condition()
                return Stmt("if", [], [Clause("if", Line("if {0}", [c]), body)])
            case "phi":
                return self.phi()
        return self.makers[kind]()

    def simple(self) -> Stmt:
        kind = self.rng.choice(["assign", "store", "augassign", "augstore", "swap-scalars"])
        keep = list(self.scope.variables)
        s = self.makers[kind]() or self.assign()
        self.scope.variables = keep
        return s

    # ------------------------------------------------------------ exits

    def exit(self, where: Where, kind: str = "") -> Stmt:
        kind = kind or self.rng.choice(["break", "break", "continue", "continue", "return"])
        if kind in ("break", "continue") and not where.in_loop:
            kind = "return"
        if kind == "continue":
            lines = [Line(where.step)] if where.step else []
            return Stmt(kind, [*lines, Line("continue")])
        if kind == "raise":
            return Stmt("if", [], [self.unlikely_raise()])
        return Stmt(kind, [Line("break")]) if kind == "break" else self.result()

    def unlikely_raise(self) -> Clause:
        body = [
            self.line("raise", f"raise {self.rng.choice(['ValueError', 'RuntimeError'])}('no')")
        ]
        return Clause("if", Line("if {0} > 1e6", [self.number(1)]), body)

    def result(self) -> Stmt:
        match self.returns:
            case "none":
                return self.line("return", "return")
            case "t":
                return self.line("return", "return {0}, {1}", self.value(1), self.value(1))
            case "a":
                arrays = [v for v in self.scope.of("a") if v.exact and v.size == 5 and v.write]
                return self.line("return", f"return {self.rng.choice(arrays).name}")
        return self.line("return", "return {0}", self.fit(self.number(2), 2.0, 2.0))

    # ------------------------------------------------------------ branches

    def branch(self, where: Where) -> Stmt:
        inner = dataclasses.replace(where, depth=where.depth + 1)
        end = 0.05
        clauses = [Clause("if", Line("if {0}", [self.condition()]), self.block(inner, 3, end))]
        while len(clauses) < 3 and self.chance(0.4):
            header = Line("elif {0}", [self.condition()])
            clauses.append(Clause("elif", header, self.block(inner, 3, end)))
        if self.chance(0.55):
            clauses.append(Clause("else", Line("else"), self.block(inner, 3, end)))
        return Stmt("if", [], clauses)

    def phi(self) -> Stmt | None:
        """A name that each branch binds in its own way."""
        c = Line("if {0}", [self.condition()])
        if self.chance(0.5) and (arrays := self.scope.of("a")):
            made = [self.view_of(self.rng.choice(arrays)) for _ in range(2)]
            if made[0] is None or made[1] is None:
                return None
            (e1, p1), (e2, p2) = made[0], made[1]
            v = Var(self.scope.fresh("u"), "a", min(p1.size, p2.size), write=p1.write and p2.write,
                    exact=p1.exact and p2.exact and p1.size == p2.size)  # fmt: skip
            one, two = ([self.line("view", v.name + " = {0}", e)] for e in (e1, e2))
        else:
            v = Var(self.scope.fresh("s"), "f")
            one, two = ([self.line("assign", v.name + " = {0}", self.value())] for _ in "12")
        self.scope.add(v)
        return Stmt("if", [], [Clause("if", c, one), Clause("else", Line("else"), two)])

    # ------------------------------------------------------------ loops

    def ranges(self, most: int) -> tuple[Line, int, int, int, bool, list[Line]]:
        """A range of at most about ``most`` items: text, limits of its items, the greatest trip
        count, whether it is surely not empty, and lines that go before."""
        r = self.rng.random()
        c = self.rng.randint(2, min(most, 5))
        arrays = [v for v in self.scope.of("a") if v.size <= most]
        if arrays and r < 0.2:
            v = self.rng.choice(arrays)
            top = v.size - 1 if v.exact else 5
            n = self.rng.choice(["len({})", "{}.size", "{}.shape[0]"]).format(v.name)
            match self.rng.choice(["all", "all", "from 1", "back", "back to 1"]):
                case "all":
                    return Line(f"range({n})"), 0, top, top + 1, True, []
                case "from 1":
                    return Line(f"range(1, {n})"), 1, top, top, True, []
                case "back":
                    return Line(f"range({n} - 1, -1, -1)"), 0, top, top + 1, True, []
            return Line(f"range({n} - 1, 0, -1)"), 1, top, top, True, []
        if r < 0.32:
            return Line(f"range({c})"), 0, c - 1, c, True, []
        if r < 0.5 and (ints := [v for v in self.scope.of("i") if v.lo >= 0 and 0 < v.hi <= most]):
            v = self.rng.choice(ints)
            text = self.rng.choice(["range({0})", "range({0} - 1, -1, -1)", "range(0, {0}, 2)"])
            return Line(text, [self.name(v)]), 0, v.hi - 1, v.hi, False, []
        if r < 0.62:
            e, more = self.wrapped(self.integer(2), c), self.rng.randint(0, 1)
            text = "range({0} + 1)" if more else "range({0})"
            return Line(text, [e]), 0, c - 1 + more - 1 or 1, c, bool(more), []
        if r < 0.7:
            e1, e2 = self.wrapped(self.integer(1), 3), self.wrapped(self.integer(1), c + 1)
            return Line("range({0}, {1})", [e1, e2]), 0, c - 1 or 1, c, False, []
        if r < 0.76:
            e = self.wrapped(self.integer(1), 2)
            text = self.rng.choice([f"range(0, {c}, 1 + {{0}})", f"range({c}, 0, -1 - {{0}})"])
            return Line(text, [e]), 0, c, c, True, []
        if r < 0.81:
            k = self.scope.fresh("step")
            before = [Line(k + " = 1 - 2 * {0}", [self.wrapped(self.integer(1), 2)])]
            return Line(f"range(2 - 1 * {k}, 2 + 2 * {k}, {k})"), 1, 3, 3, True, before
        fixed = [
            ("range(4, 0, -1)", 1, 4, 4), ("range(1, 6, 2)", 1, 5, 3),
            ("range(5, -1, -2)", 1, 5, 3),
            ("range(2, 5)", 2, 4, 3), ("range(3, 3)", 0, 3, 0), ("range(3, -1, -1)", 0, 3, 4),
            ("range(-2, 2)", -2, 1, 4), ("range(0, -4, -2)", -2, 0, 2),
            ("range(2, 4, -1)", 0, 2, 0),
        ]  # fmt: skip
        text, lo, hi, trips = self.rng.choice([f for f in fixed if f[3] <= most])
        return Line(text), lo, hi, trips, trips > 0, []

    def inside(self, where: Where, trips: int, step: str = "") -> Where:
        return Where(where.depth + 1, where.work * max(trips, 1), True, step)

    def room(self, where: Where) -> int:
        return max(3, min(6, MAX_WORK // where.work))

    def for_loop(self, where: Where) -> Stmt | None:
        if where.work > MAX_WORK:
            return None
        items, lo, hi, trips, some, before = self.ranges(self.room(where))
        olds = [v for v in self.names("i") if v.lo <= lo and hi <= v.hi]
        if olds and self.chance(0.25):
            v = self.rng.choice(olds)
            known = True
        else:
            v = Var(self.scope.fresh("i"), "i", lo=lo, hi=hi)
            known = some and self.chance(0.4)
            if not known and self.chance(0.3) and lo <= 0:
                before.append(Line(v.name + " = 0"))
                known = True
        outside = list(self.scope.variables)
        self.scope.add(v)
        body = self.block(self.inside(where, trips), 4, end=0.04)
        self.scope.variables = outside
        clauses = [Clause("for", Line(f"for {v.name} in {items.text}", items.args), body)]
        if known:
            self.scope.add(v)
        self.loop_else("for-else", where, clauses)
        return Stmt("for", before, clauses)

    def left(self, where: Where) -> Stmt | None:
        """A loop in which a name is a number, an integer perhaps, or what the iteration before has
        left."""
        if where.work > MAX_WORK:
            return None
        trips, outside = self.rng.randint(2, 4), list(self.scope.variables)
        i = Var(self.scope.fresh("i"), "i", lo=0, hi=trips - 1, assign=False)
        s = Var(self.scope.fresh("s"), "f")
        self.scope.add(i)
        first = Line(f"if {i.name} % {self.rng.choice([2, 2, 3])} == 0")
        number = Expr(self.rng.choice(["1", "2", "-1", "0", "0.5"]))
        start = Clause("if", first, [self.line("assign", s.name + " = {0}", number)])
        self.scope.add(s)
        body = self.block(self.inside(where, trips), 3)
        end = self.line("assign", s.name + " = {0}", self.value())
        if self.chance(0.5):
            end = Stmt("if", [], [Clause("if", Line("if {0}", [self.condition()]), [end])])
        body = [Stmt("if", [], [start]), *body, end]
        self.scope.variables = [*outside, s]
        return Stmt("left", [], [Clause("for", Line(f"for {i.name} in range({trips})"), body)])

    def loop_else(self, construct: str, where: Where, clauses: list[Clause]) -> None:
        if self.chance(0.5):
            inner = dataclasses.replace(where, depth=where.depth + 1)
            clauses.append(Clause(construct, Line("else"), self.block(inner, 4, end=0.06)))

    def while_loop(self, where: Where) -> Stmt | None:
        if where.work > MAX_WORK:
            return None
        most = self.rng.randint(2, min(self.room(where), 4))
        k = self.scope.fresh("w")
        kind = self.rng.choice(["data", "data", "count", "down", "true"])
        first, last, step = [], [], ""
        outside = list(self.scope.variables)
        v = Var(k, "i", lo=0, hi=most + 1, assign=False)
        start = Line(k + " = 0")
        c = self.condition(1)
        match kind:
            case "data":
                header = Line(f"while {k} < {most} and {{0}}", [c])
            case "count":
                header = Line(f"while {k} < {{0}} % {most} + 1", [self.integer(1)])
            case "down":
                header = Line(f"while {k} > 0")
                start = Line(k + " = {0}", [self.wrapped(self.integer(1), most + 1)])
            case _:
                header = Line("while True")
        move = f"{k} -= 1" if kind == "down" else f"{k} += 1"
        if kind == "true":
            first = [move, f"if {k} > {most}:", "    break"]
        elif self.chance(0.5):
            first = [move]
        else:
            last, step = [move], move
        self.scope.add(v)
        body = self.block(self.inside(where, most, step), 4, end=0.04)
        if last and body and body[-1].kind in ("break", "continue", "return"):
            body.pop()
        self.scope.variables = [*outside, v]
        clauses = [Clause("while", header, body, first, last)]
        self.loop_else("while-else", where, clauses)
        return Stmt("while", [start], clauses)
