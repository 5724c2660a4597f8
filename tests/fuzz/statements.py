"""Random simple statements."""

from __future__ import annotations

from collections.abc import Callable

from .expressions import Expressions
from .scope import VALUE_BOUND, Var
from .tree import Expr, Line, Stmt

# (text, least length of the base, change of the length)
SLICES: list[tuple[str, int, Callable[[int], int]]] = [
    ("[1:]", 3, lambda n: n - 1),
    ("[:-1]", 3, lambda n: n - 1),
    ("[1:-1]", 4, lambda n: n - 2),
    ("[::2]", 3, lambda n: (n + 1) // 2),
    ("[::-1]", 2, lambda n: n),
    ("[:]", 2, lambda n: n),
    ("[:3]", 3, lambda n: 3),
    ("[-3:]", 3, lambda n: 3),
    ("[{0}:]", 4, lambda n: n - 2),
    ("[{0}:{0} + 3]", 5, lambda n: 3),
]


class Statements(Expressions):
    """Each method makes one statement, or None where the scope does not allow it."""

    def line(self, kind: str, text: str, *args: Expr) -> Stmt:
        return Stmt(kind, [Line(text, list(args))])

    def value(self, depth: int = 2) -> Expr:
        return self.fit(self.number(depth))

    def names(self, kind: str) -> list[Var]:
        return [v for v in self.scope.of(kind) if v.assign]

    # ------------------------------------------------------------ scalars

    def assign(self) -> Stmt:
        value = self.value()
        names = self.names("f")
        if names and self.chance(0.65):
            v = self.rng.choice(names)
        else:
            v = Var(self.scope.fresh("s"), "f")
            self.scope.add(v)
        return self.line("assign", v.name + " = {0}", value)

    def augmented(self, target: str, args: list[Expr], kind: str) -> Stmt:
        hole = f"{{{len(args)}}}"
        match self.rng.choice(["+=", "+=", "-=", "*=", "/="]):
            case "+=" | "-=" as op:
                e = self.fit(self.number(2), 0.5, 0.5)
                text = f"{target} {op} {hole}"
            case "*=":
                e = self.bounded(self.number(1))
                c = round(self.rng.uniform(0.5, 0.7), 2)
                text = f"{target} *= {c} + 0.3 * ({hole})"
            case _:
                e = self.bounded(self.number(1))
                text = f"{target} /= 1.4 + 0.3 * ({hole})"
        return self.line(kind, text, *args, e)

    def augassign(self) -> Stmt | None:
        names = self.names("f")
        return self.augmented(self.rng.choice(names).name, [], "augassign") if names else None

    def int_assign(self) -> Stmt:
        names = [v for v in self.names("i") if v.lo <= 0 < v.hi]
        if names and self.chance(0.7):
            v = self.rng.choice(names)
        else:
            v = Var(self.scope.fresh("k"), "i", lo=0, hi=self.rng.choice([3, 5, 7]))
            e = self.wrapped(self.integer(2), v.hi + 1)
            self.scope.add(v)
            return self.line("int-assign", v.name + " = {0}", e)
        if self.chance(0.3):
            text = f"{v.name} {self.rng.choice(['+=', '-=', '^=', '*='])} {{0}}"
            s = self.line("int-assign", text, self.integer(1))
            s.lines.append(Line(f"{v.name} %= {v.hi + 1}"))
            return s
        return self.line("int-assign", v.name + " = {0}", self.wrapped(self.integer(2), v.hi + 1))

    def flag(self) -> Stmt:
        e = self.condition(1)
        names = self.names("b")
        v = self.rng.choice(names) if names and self.chance(0.5) else None
        if v is None:
            v = Var(self.scope.fresh("flag"), "b")
            self.scope.add(v)
        return self.line("flag", v.name + " = {0}", e)

    def swap_scalars(self) -> Stmt | None:
        names = self.names("f")
        if len(names) < 2:
            return None
        a, b = (v.name for v in self.rng.sample(names, 2))
        if self.chance(0.6):
            return self.line("swap-scalars", f"{a}, {b} = {b}, {a}")
        return self.line("swap-scalars", f"{a}, {b} = {b}, {{0}}", self.value())

    def tuple_pack(self) -> Stmt:
        n = self.rng.choice([2, 2, 3])
        args = [self.value(1) for _ in range(n)]
        v = Var(self.scope.fresh("t"), "t", n)
        self.scope.add(v)
        return self.line(
            "tuple-pack", f"{v.name} = ({', '.join(f'{{{k}}}' for k in range(n))})", *args
        )

    def tuple_unpack(self) -> Stmt | None:
        tuples, pairs = self.scope.of("t"), self.can_call("t")
        if pairs and self.chance(0.6):
            e, n = self.call(self.rng.choice(pairs)), 2
        elif tuples and self.chance(0.8):
            t = self.rng.choice(tuples)
            e, n = Expr(t.name, kind="t"), t.size
        else:
            e, n = Expr("{0}, {1}", [self.value(1), self.value(1)], kind="t"), 2
        names = [v.name for v in self.rng.sample(self.names("f"), min(n, len(self.names("f"))))]
        names = [x if self.chance(0.5) else "" for x in names] + [""] * (n - len(names))
        names = [x or self.scope.fresh("s") for x in names]
        for x in names:
            self.scope.add(Var(x, "f"))
        return self.line("tuple-unpack", ", ".join(names) + " = {0}", e)

    def check(self) -> Stmt:
        if self.chance(0.4):
            args = [self.integer(1)]
            return self.line("assert", f"assert {{0}} <= {args[0].hi}, 'too large'", *args)
        return self.line("assert", "assert {0} < 1e6", self.number(1))

    # ------------------------------------------------------------ elements and slices

    def target(self) -> tuple[str, list[Expr]] | None:
        arrays = self.arrays(write=True)
        if not arrays:
            return None
        e = self.element(self.rng.choice(arrays))
        return e.text, e.args

    def store(self) -> Stmt | None:
        if (t := self.target()) is None:
            return None
        text, args = t
        value = self.constant() if self.chance(0.2) else self.value()  # no adjoint, but a kill
        return self.line("store", f"{text} = {{{len(args)}}}", *args, value)

    def augstore(self) -> Stmt | None:
        t = self.target()
        return self.augmented(*t, "augstore") if t else None

    def index_store(self) -> Stmt | None:
        if not (ps := [p for p in self.scope.of("p") if p.write]):
            return None
        p = self.rng.choice(ps)
        args = [self.index(p.size, 1, p), self.wrapped(self.integer(2), p.hi + 1)]
        return self.line("index-store", p.name + "[{0}] = {1}", *args)

    def fill(self) -> Stmt | None:
        if not (arrays := self.arrays(write=True)):
            return None
        v, e = self.rng.choice(arrays), self.value(1)
        if v.kind == "m":
            text = self.rng.choice(["[{0}, :] = {1}", "[{0}] = {1}", "[{0}, 1:] = {1}"])
            return self.line("fill", v.name + text, self.index(v.size), e)
        text = self.rng.choice(["[:]", "[1:]", "[:2]", "[::2]", "[{0}:]"])
        args = [self.index(v.size - 1)] if "{0}" in text else []
        return self.line("fill", f"{v.name}{text} = {{{len(args)}}}", *args, e)

    def slice_copy(self) -> Stmt | None:
        arrays = self.arrays(write=True)
        if not arrays:
            return None
        v = self.rng.choice(arrays)
        if v.kind == "m":
            row = self.rng.choice(["[{0}]", "[{0}, :]"])
            same = [w for w in self.scope.of("a") if w.exact and w.size == v.cols]
            if same and self.chance(0.5):
                w = self.rng.choice(same)
                return self.line("slice-copy", f"{v.name}{row} = {w.name}", self.index(v.size))
            args = [self.index(v.size), self.index(v.size)]
            return self.line("slice-copy", f"{v.name}{row} = {v.name}[{{1}}]", *args)
        w = self.rng.choice(self.scope.of("a"))
        if v.exact and w.exact and v.size == w.size and self.chance(0.5):
            back = self.rng.choice(["", "", "[::-1]"])
            return self.line("slice-copy", f"{v.name}[:] = {w.name}{back}")
        n = self.rng.randint(1, min(v.size, w.size))
        a, b = self.rng.randint(0, v.size - n), self.rng.randint(0, w.size - n)
        return self.line("slice-copy", f"{v.name}[{a}:{a + n}] = {w.name}[{b}:{b + n}]")

    # ------------------------------------------------------------ references

    def view_of(self, v: Var) -> tuple[Expr, Var] | None:
        """A view expression and what it promises (a Var without a name)."""
        if v.kind == "m":
            k = self.rng.choice(["row", "column", "rows", "T", "part"])
            i = [self.index(v.size)]
            if k == "row":
                text = self.rng.choice(["[{0}]", "[{0}, :]"])
                return Expr(v.name + text, i, "a"), Var(
                    "", "a", v.cols, exact=v.exact, write=v.write
                )
            if k == "column" and v.size >= 2:
                j = [self.index(v.cols)]
                return Expr(v.name + "[:, {0}]", j, "a"), Var("", "a", v.size, write=v.write)
            if k == "part" and v.cols >= 3:
                return Expr(v.name + "[{0}, 1:]", i, "a"), Var("", "a", v.cols - 1, write=v.write)
            if k == "rows" and v.size > 2:
                return Expr(v.name + "[1:]", [], "a"), Var(
                    "", "m", v.size - 1, v.cols, write=v.write
                )
            return Expr(v.name + ".T", [], "a"), Var("", "m", v.cols, v.size, write=v.write)
        fits = [s for s in SLICES if v.size >= s[1]]
        if not fits:
            return None
        text, _, change = self.rng.choice(fits)
        fixed = text in ("[:3]", "[-3:]", "[{0}:{0} + 3]")
        args = [self.wrapped(self.integer(1), 3)] if "{0}" in text else []
        exact = fixed or (v.exact and text != "[{0}:]")
        return Expr(v.name + text, args, "a"), Var(
            "", "a", change(v.size), exact=exact, write=v.write
        )

    def bind(self, kind: str, text: str, promise: Var, *args: Expr) -> Stmt:
        """A new name, or sometimes an existing one, for an array."""
        olds = [v for v in self.names(promise.kind) if v.accepts(promise)]
        if olds and self.chance(0.35):
            return self.line(kind, f"{self.rng.choice(olds).name} = {text}", *args)
        name = self.scope.fresh("m" if promise.kind == "m" else "u")
        self.scope.add(
            Var(name, promise.kind, promise.size, promise.cols, promise.exact, write=promise.write)
        )
        return self.line(kind, f"{name} = {text}", *args)

    def view(self) -> Stmt | None:
        if not (arrays := self.arrays()) or (made := self.view_of(self.rng.choice(arrays))) is None:
            return None
        return self.bind("view", "{0}", made[1], made[0])

    def alias(self) -> Stmt | None:
        if not (arrays := self.arrays()):
            return None
        v = self.rng.choice(arrays)
        name = self.scope.fresh("m" if v.kind == "m" else "u")
        self.scope.add(Var(name, v.kind, v.size, v.cols, v.exact, write=v.write))
        return self.line("alias", f"{name} = {v.name}")

    def pairs(self) -> list[tuple[Var, Var]]:
        vs = self.arrays()
        return [(v, w) for v in vs for w in vs if v.accepts(w)]

    def rebind(self) -> Stmt | None:
        if not (pairs := self.pairs()):
            return None
        v, w = self.rng.choice(pairs)
        others = [b for a, b in pairs if a is v and b is not w] or [v]
        if self.chance(0.35):
            other = self.rng.choice(others).name
            e = Expr(f"{w.name} if {{0}} else {other}", [self.condition(0)], "a", tag="condexpr")
            return self.line("rebind", v.name + " = {0}", e)
        return self.line("rebind", f"{v.name} = {w.name}")

    def swap_arrays(self) -> Stmt | None:
        if not (pairs := [(v, w) for v, w in self.pairs() if w.accepts(v)]):
            return None
        v, w = self.rng.choice(pairs)
        return self.line("swap-arrays", f"{v.name}, {w.name} = {w.name}, {v.name}")

    # ------------------------------------------------------------ fresh arrays

    def alloc(self) -> Stmt:
        v = self.rng.choice(self.scope.of("a") or [Var("", "a", 5)])
        e = self.value(1)
        r = self.rng.random()
        if r < 0.15 and (ms := self.scope.of("m")):
            m = self.rng.choice(ms)
            promise = Var("", "m", m.size, m.cols)
            text = self.rng.choice([f"np.zeros({m.name}.shape)", f"np.full_like({m.name}, {{0}})"])
            return self.bind("alloc", text, promise, *([e] if "{0}" in text else []))
        if r < 0.22:
            return self.bind("alloc", "np.zeros((3, 4))", Var("", "m", 3, 4))
        if r < 0.3:
            q = Var(self.scope.fresh("q"), "p", 4, lo=0, hi=3)
            self.scope.add(q)
            text = self.rng.choice(["np.zeros(4, np.int64)", "np.ones(4, dtype=np.int64)"])
            return self.line("alloc", f"{q.name} = {text}")
        like = v.name and self.chance(0.6)
        promise = Var("", "a", v.size if like else 6, exact=v.exact or not like)
        n = (
            self.rng.choice([f"len({v.name})", f"{v.name}.size", f"{v.name}.shape"])
            if like
            else "6"
        )
        if self.chance(0.3):  # np.empty stays with what fills it
            text = f"np.empty_like({v.name})" if like else f"np.empty({n})"
            name = self.scope.fresh("u")  # never one that the filling reads
            s = self.line("alloc", f"{name} = {text}")
            if self.chance(0.5):
                s.lines.append(Line(name + "[:] = {0}", [e]))
            else:
                c, source = self.constant(), f" * {v.name}[j]" if like and name != v.name else ""
                s.lines.append(Line(f"for j in range(len({name})):"))
                s.lines.append(
                    Line(f"    {name}[j] = {{0}} * 0.2 * j{source if c.bound < 1 else ''}", [c])
                )
            self.scope.add(Var(name, "a", promise.size, exact=promise.exact))
            return s
        if like and self.chance(0.5):
            fn = self.rng.choice(
                ["np.zeros_like({0})", "np.ones_like({0})", "np.full_like({0}, {1})"]
            )
            args = [self.name(v), e] if "{1}" in fn else [self.name(v)]
            return self.bind("alloc", fn, promise, *args)
        fn = self.rng.choice([f"np.zeros({n})", f"np.ones({n})", f"np.full({n}, {{0}})"])
        return self.bind("alloc", fn, promise, *([e] if "{0}" in fn else []))

    def copy(self) -> Stmt | None:
        makers = self.can_call("a")
        if makers and self.chance(0.4):
            return self.bind("copy", "{0}", Var("", "a", 5), self.call(self.rng.choice(makers)))
        if not (arrays := self.arrays()):
            return None
        v = self.rng.choice(arrays)
        made = self.view_of(v) if self.chance(0.3) else None
        if made is not None and made[1].kind == v.kind:
            p = made[1]
            promise = Var("", p.kind, p.size, p.cols, p.exact)
            return self.bind("copy", "{0}.copy()", promise, made[0])
        return self.bind(
            "copy", "{0}.copy()", Var("", v.kind, v.size, v.cols, v.exact), self.name(v)
        )

    def call_helper(self) -> Stmt | None:
        fs, nones = self.can_call("f"), self.can_call("none")
        if nones and (not fs or self.chance(0.5)):
            return self.line("call", "{0}", self.call(self.rng.choice(nones)))
        if not fs:
            return None
        e = self.call(self.rng.choice(fs))
        e.bound = VALUE_BOUND
        names = self.names("f")
        if names and self.chance(0.5):
            return self.line("call", self.rng.choice(names).name + " = {0}", e)
        v = Var(self.scope.fresh("s"), "f")
        self.scope.add(v)
        return self.line("call", v.name + " = {0}", e)
