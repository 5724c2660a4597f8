"""Random expressions: floats of bounded value and sensitivity, ints in limits, conditions."""

from __future__ import annotations

import random

from .scope import VALUE_BOUND, Helper, Scope, Var
from .tree import Expr

BOUNDED = {
    "math.sin({0})": 1.0,
    "np.sin({0})": 1.0,
    "np.cos({0})": 1.0,
    "math.tanh({0})": 1.0,
    "np.tanh({0})": 1.0,
    "np.arctan({0})": 1.6,
    "math.atan({0})": 1.6,
}


class Expressions:
    def __init__(self, rng: random.Random, helpers: list[Helper]) -> None:
        self.rng = rng
        self.helpers = helpers
        self.scope = Scope()

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    # ------------------------------------------------------------ ints

    def constant_int(self, value: int) -> Expr:
        return Expr(str(value), kind="i", lo=value, hi=value)

    def name(self, v: Var) -> Expr:
        kind = {"f": "f", "i": "i", "b": "b"}.get(v.kind, "a")
        return Expr(v.name, kind=kind, bound=VALUE_BOUND, gain=1.0, lo=v.lo, hi=v.hi)

    def int_leaf(self) -> Expr:
        r = self.rng.random()
        ints = self.scope.of("i")
        if ints and r < 0.6:
            return self.name(self.rng.choice(ints))
        if r < 0.75 and (ps := self.scope.of("p")):
            p = self.rng.choice(ps)
            return Expr(p.name + "[{0}]", [self.index(p.size, 0, p)], "i", lo=0, hi=p.hi)
        if r < 0.85 and (arrays := self.scope.of("a")):
            a = self.rng.choice(arrays)
            text = self.rng.choice(["len({0})", "{0}.size", "{0}.shape[0]"])
            return Expr(text, [self.name(a)], "i", lo=a.size, hi=a.size if a.exact else 6)
        return self.constant_int(self.rng.randint(0, 5))

    def integer(self, depth: int = 1) -> Expr:
        if depth <= 0 or self.chance(0.4):
            return self.int_leaf()
        a, b = self.integer(depth - 1), self.integer(depth - 1)
        c = self.rng.randint(2, 5)
        match self.rng.choice(
            ["+", "-", "*", "//", "%", "&", "|", "^", "<<", ">>", "~", "if", "m"]
        ):
            case "+":
                return Expr("({0} + {1})", [a, b], "i", lo=a.lo + b.lo, hi=a.hi + b.hi)
            case "-":
                return Expr("({0} - {1})", [a, b], "i", lo=a.lo - b.hi, hi=a.hi - b.lo)
            case "*":
                return Expr(f"({c} * {{0}})", [a], "i", lo=c * a.lo, hi=c * a.hi)
            case "//":
                return Expr(f"({{0}} // {c})", [a], "i", lo=a.lo // c, hi=a.hi // c)
            case "%":
                d = self.wrapped(b, 3)
                return Expr("({0} % (2 + {1}))", [a, d], "i", lo=0, hi=3)
            case "&":
                return Expr(f"({{0}} & {c})", [a], "i", lo=0, hi=c)
            case "|" | "^" as op:
                a, b = self.wrapped(a, 8), self.wrapped(b, 8)
                return Expr(f"({{0}} {op} {{1}})", [a, b], "i", lo=0, hi=7)
            case "<<":
                return Expr("({0} << 1)", [a], "i", lo=2 * a.lo, hi=2 * a.hi)
            case ">>":
                return Expr("({0} >> 1)", [a], "i", lo=a.lo >> 1, hi=a.hi >> 1)
            case "~":
                return Expr("(~{0})", [a], "i", lo=~a.hi, hi=~a.lo)
            case "if":
                lo, hi = min(a.lo, b.lo), max(a.hi, b.hi)
                args = [a, self.condition(0), b]
                return Expr("({0} if {1} else {2})", args, "i", lo=lo, hi=hi, tag="condexpr")
        fn, pick = self.rng.choice([("min", min), ("max", max)])
        return Expr(fn + "({0}, {1})", [a, b], "i", lo=pick(a.lo, b.lo), hi=pick(a.hi, b.hi))

    def wrapped(self, e: Expr, m: int) -> Expr:
        """e brought into 0..m-1."""
        if e.lo >= 0 and e.hi < m and self.chance(0.8):
            return e
        if m == 8 and self.chance(0.3):
            return Expr("({0} & 7)", [e], "i", lo=0, hi=7)
        return Expr(f"({{0}} % {m})", [e], "i", lo=0, hi=m - 1)

    def index(self, size: int, depth: int = 1, v: Var | None = None) -> Expr:
        """A valid index for any array of at least ``size`` elements."""
        e = self.integer(depth)
        if e.lo >= 0 and e.hi < size and self.chance(0.85):
            return e
        if v is not None and v.kind != "m" and self.chance(0.25):
            length = self.rng.choice(["len({1})", "{1}.size", "{1}.shape[0]"])
            return Expr("{0} % " + length, [e, self.name(v)], "i", lo=0, hi=5)
        if self.chance(0.08):
            return Expr(f"-1 - {{0}} % {size}", [e], "i", lo=-size, hi=-1)
        return Expr(f"{{0}} % {size}", [e], "i", lo=0, hi=size - 1)

    # ------------------------------------------------------------ floats

    def constant(self, low: float = 0.2, high: float = 1.4) -> Expr:
        c = round(self.rng.uniform(low, high), 2)
        return Expr(str(c), bound=abs(c))

    def element(self, v: Var) -> Expr:
        args = [self.index(v.size, 1, v)]
        text = v.name + "[{0}]"
        if v.kind == "m":
            args.append(self.index(v.cols, 1))
            text = v.name + ("[{0}, {1}]" if self.chance(0.8) else "[{0}][{1}]")
        return Expr(text, args, "f", VALUE_BOUND, 1.0)

    def arrays(self, write: bool = False) -> list[Var]:
        return [v for v in self.scope.of("a") + self.scope.of("m") if v.write or not write]

    def leaf(self) -> Expr:
        r = self.rng.random()
        if r < 0.45 and (floats := self.scope.of("f")):
            return self.name(self.rng.choice(floats))
        if r < 0.8 and (arrays := self.arrays()):
            return self.element(self.rng.choice(arrays))
        if r < 0.87 and (tuples := self.scope.of("t")):
            t = self.rng.choice(tuples)
            return Expr(f"{t.name}[{self.rng.randrange(t.size)}]", [], "f", VALUE_BOUND, 1.0)
        if r < 0.92:
            e = self.integer(0)
            size = max(abs(e.lo), abs(e.hi))
            text = "0.1 * {0}" if self.chance(0.5) else "float({0}) / 10"
            return Expr("(" + text + ")", [e], "f", 0.1 * size, 0.0)
        if r < 0.94:
            return Expr("SCALE", bound=0.7)
        if r < 0.96:
            return Expr("WEIGHTS[{0}]", [self.index(5)], "f", 0.9, 0.0)
        return self.constant()

    def call(self, h: Helper, depth: int = 0) -> Expr:
        """A call with arguments that keep what the helper was promised."""
        args: list[Expr] = []
        last = ""
        given = len(h.params) - (self.rng.randint(0, h.defaults) if h.defaults else 0)
        names = [p.name for p in h.params]
        for p in h.params[:given]:
            match p.kind:
                case "f":
                    args.append(self.fit(self.number(depth), VALUE_BOUND, 1.5))
                case "i":
                    args.append(self.wrapped(self.integer(1), p.hi + 1))
                case _:
                    e = self.array(p.size, h.writes, last)
                    last = str(e)
                    args.append(e)
        text = ", ".join(f"{{{k}}}" for k in range(given))
        if given > 1 and h.params[given - 1].kind == "f" and self.chance(0.2):
            text = text.replace(f"{{{given - 1}}}", f"{names[given - 1]}={{{given - 1}}}")
        return Expr(f"{h.name}({text})", args, "f", VALUE_BOUND, 2.0, tag="call")

    def array(self, size: int, write: bool, same: str = "") -> Expr:
        """A 1-D array of at least ``size``, possibly the text ``same`` again."""
        if same and self.chance(0.35):
            return Expr(same, kind="a")
        vs = [v for v in self.arrays(write) if (v.cols if v.kind == "m" else v.size) >= size]
        v = self.rng.choice(vs)
        if v.kind == "m":
            return Expr(v.name + "[{0}]", [self.index(v.size)], "a")
        if v.size > size and self.chance(0.3):
            return Expr(v.name + self.rng.choice(["[1:]", "[:-1]"]), kind="a")
        return self.name(v)

    def can_call(self, returns: str) -> list[Helper]:
        out = []
        for h in self.helpers:
            need = max([p.size for p in h.params if p.kind == "a"], default=0)
            ok = any((v.cols if v.kind == "m" else v.size) >= need for v in self.arrays(h.writes))
            if h.returns == returns and (ok or not need):
                out.append(h)
        return out

    def number(self, depth: int = 2) -> Expr:
        if depth <= 0 or self.chance(0.15):
            return self.leaf()
        a = self.number(depth - 1)
        kinds = ["+", "-", "*", "*", "/", "fn", "fn", "fn2", "neg", "pow", "if", "max", "call"]
        match self.rng.choice(kinds):
            case "+" | "-" as op:
                b = self.number(depth - 1)
                return Expr(f"({{0}} {op} {{1}})", [a, b], "f", a.bound + b.bound, a.gain + b.gain)
            case "*":
                b = self.number(depth - 1)
                gain = a.gain * b.bound + b.gain * a.bound
                return Expr("{0} * {1}", [paren(a), paren(b)], "f", a.bound * b.bound, gain)
            case "/":
                b = self.number(depth - 1)
                gain = a.gain / 1.5 + 0.45 * a.bound * b.gain
                args = [paren(a), paren(b)]
                return Expr("({0} / (1.5 + {1} * {1}))", args, "f", a.bound / 1.5, gain)
            case "fn":
                text = self.rng.choice(list(BOUNDED))
                return Expr(text, [a], "f", BOUNDED[text], a.gain)
            case "fn2":
                return self.growing(a)
            case "neg":
                return Expr("(-{0})", [paren(a)], "f", a.bound, a.gain)
            case "pow":
                a = self.fit(a, 1.5, 1.5)
                k = self.rng.choice([2, 2, 3])
                gain = k * a.bound ** (k - 1) * a.gain
                return Expr(f"{{0}} ** {k}", [paren(a)], "f", a.bound**k, gain)
            case "if":
                b = self.number(depth - 1)
                args = [a, self.condition(1), b]
                bound, gain = max(a.bound, b.bound), max(a.gain, b.gain)
                return Expr("({0} if {1} else {2})", args, "f", bound, gain, tag="condexpr")
            case "call" if hs := self.can_call("f"):
                return self.call(self.rng.choice(hs), depth - 1)
        b = self.number(depth - 1)
        fn = self.rng.choice(["min", "max", "np.minimum", "np.maximum"])
        return Expr(fn + "({0}, {1})", [a, b], "f", max(a.bound, b.bound), max(a.gain, b.gain))

    def growing(self, a: Expr) -> Expr:
        """Functions that need a domain."""
        match self.rng.choice(["exp", "sqrt", "log", "abs", "log1p", "hypot"]):
            case "exp":
                fn = self.rng.choice(["math.exp", "np.exp"])
                a = self.fit(a, 1.0, 2.0)
                return Expr(fn + "({0})", [a], "f", 2.8, 2.8 * a.gain)
            case "sqrt":
                fn = self.rng.choice(["math.sqrt", "np.sqrt"])
                return Expr(fn + "(1.0 + {0} * {0})", [paren(a)], "f", 1.0 + a.bound, a.gain)
            case "log":
                fn = self.rng.choice(["math.log", "np.log"])
                return Expr(fn + "(2.0 + {0} * {0})", [paren(a)], "f", 1.0 + a.bound, a.gain)
            case "log1p":
                return Expr("np.log1p({0} * {0})", [paren(a)], "f", 1.0 + a.bound, a.gain)
            case "hypot":
                return Expr("math.hypot({0}, 1.1)", [a], "f", 1.1 + a.bound, a.gain)
        fn = self.rng.choice(["abs", "np.abs", "math.fabs"])
        return Expr(fn + "({0})", [a], "f", a.bound, a.gain)

    def fit(self, e: Expr, bound: float = VALUE_BOUND, gain: float = 1.6) -> Expr:
        """e with its bound and its gain brought down where needed."""
        if e.bound > bound:
            text = self.rng.choice([t for t, b in BOUNDED.items() if b <= max(bound, 1.0)])
            e = Expr(text, [e], "f", BOUNDED[text], e.gain)
        c = min(bound / max(e.bound, 1e-9), gain / max(e.gain, 1e-9))
        if c < 1:
            c = max(int(100 * c) / 100, 0.01)
            e = Expr(f"{c} * {{0}}", [paren(e)], "f", c * e.bound, c * e.gain)
        return e

    def bounded(self, e: Expr) -> Expr:
        """Within -1..1 even when the variables have grown."""
        text = self.rng.choice([t for t, b in BOUNDED.items() if b == 1.0])
        return Expr(text, [self.fit(e, 5.0, 1.5)], "f", 1.0, 1.5)

    # ------------------------------------------------------------ conditions

    def condition(self, depth: int = 1) -> Expr:
        if depth > 0 and self.chance(0.25):
            a, b = self.condition(depth - 1), self.condition(depth - 1)
            text = self.rng.choice(["({0} and {1})", "({0} or {1})", "(not {0})"])
            return Expr(text, [a, b] if "{1}" in text else [a], "b")
        r = self.rng.random()
        if r < 0.1 and (flags := self.scope.of("b")):
            return self.name(self.rng.choice(flags))
        if r < 0.5:
            a = self.integer(1)
            if self.chance(0.4):
                return Expr("{0} % 2 == " + str(self.rng.randint(0, 1)), [a], "b")
            op = self.rng.choice(["<", "<=", ">", ">=", "==", "!="])
            return Expr(f"{{0}} {op} {{1}}", [a, self.integer(0)], "b")
        c = round(self.rng.uniform(-0.4, 0.5), 2) or 0.13
        op = self.rng.choice(["<", "<=", ">", ">="])
        if r < 0.6:
            return Expr(f"{c - 0.33:.2f} {op} {{0}} {op} {c + 0.41:.2f}", [self.leaf()], "b")
        if r < 0.8:
            return Expr(f"{{0}} {op} {{1}}", [self.number(1), self.leaf()], "b")
        return Expr(f"{{0}} {op} {c}", [self.number(1)], "b")


def paren(e: Expr) -> Expr:
    """e safe as an operand."""
    if e.text.startswith("(") or e.text.replace(".", "").replace("_", "").isalnum():
        return e
    if e.text.endswith(")") and " " not in e.text.split("(")[0]:
        return e
    if e.text.endswith("]") and " " not in e.text.split("[")[0]:
        return e
    return Expr("({0})", [e], e.kind, e.bound, e.gain, e.lo, e.hi)
