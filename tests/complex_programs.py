"""Random programs of real and complex variables: straight lines, branches, loops, arrays."""

from __future__ import annotations

import numpy as np

# {c}: a complex variable, {r}: a real one, {z} and {x}: elements of arrays; all results are tame
COMPLEX = """
{c} * {c2}
{c} + {r} * {c2}
{r} - {c} * 1j
{c} / ({r} + 3.0 - 1j)
{r} / ({c} * {c} + 5.0)
np.exp({c} * 0.3)
cmath.sin({c}) * {r}
np.conj({c}) * {c2}
{c}.conjugate() - {z}
complex({r}, {r2})
complex({r2})
cmath.rect({r}, {r2})
({c} + 4.0) ** 2
({c} + 6.0) ** {r}
({c} + 6.0) ** (0.3 - 0.1j)
cmath.sqrt({r} - 8.0)
np.sqrt({c} + 9.0)
cmath.log({c} + 7.0)
{z} * {x} + {c}
{c} if {r} > {r2} else {r}
{r} if abs({c}) > 1.0 else {c}
-{c}
np.tanh({c} * 0.2)
{z} / (abs({c}) + 1.0)
1.5
{r}
""".strip().split("\n")
REAL = """
{c}.real * {r}
{c}.imag - {r2}
np.imag({c} * {c2})
np.real({c} * {c2})
abs({c} + 0.3)
abs({c}) * {r}
np.angle({c} + 5.0)
cmath.phase({c} + 5.0) * {x}
({c} * {c2}.conjugate()).imag
math.sin({r} * {r2})
{r} * {x} + {r2}
{r} / ({r2} * {r2} + 1.0)
{c}.real if {r} > {c}.imag else {r2}
abs({z}) * {c}.real
""".strip().split("\n")
STORES = """
u[{i}] = {c}
u[{i}] = {r}
u[{i}] += {c} * {r}
u[{i}] -= {r}
u[{i}] *= {c}
v[{i}] = {r}
v[{i}] += {c}.imag
v[{i}] -= abs({c})
u[1:3] = {r}
u[:2] = {c}
u[2:] = v[2:]
u = u.copy()
v = {r} * u.real
u = {c} * u + v
u = np.where(v > {r}, u, v)
u, w = w, u
""".strip().split("\n")


class Writer:
    """One program; its text in ``lines``."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.lines = [f"def f{seed}(c0, z, r0, x):"]
        for line in ("c1 = 0j", "c2 = c0 * 0.5", "r1 = 0.5", "r2 = r0 * r0"):
            self.line(1, line)
        self.line(1, "u = np.zeros(4, dtype=np.complex128)")
        self.line(1, "w = z * 1.0")
        self.line(1, "v = np.zeros(4)")
        self.loops = 0
        self.body(1, 12)
        total = "np.sum(np.abs(u) ** 2) + np.sum(w.real * v) + np.sum(v * v)"
        self.line(1, f"return abs(c1 + c2) + c1.imag * r1 + r2 * c2.real + 0.1 * ({total})")

    def line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def pick(self, *choices: str) -> str:
        return str(choices[self.rng.integers(len(choices))])

    def filled(self, template: str) -> str:
        here = ["0", "1", "2", "3", *(f"k{n}" for n in range(self.loops))]
        i = self.pick(*here)
        names = {name: self.pick("c0", "c1", "c2") for name in ("c", "c2")}
        names |= {name: self.pick("r0", "r1", "r2") for name in ("r", "r2")}
        return template.format(i=i, z=f"z[{self.pick(*here)}]", x=f"x[{self.pick(*here)}]", **names)

    def body(self, depth: int, count: int) -> None:
        for _ in range(count):
            kind = self.rng.random()
            if kind < 0.35:
                self.line(depth, f"{self.pick('c1', 'c2')} = {self.filled(self.pick(*COMPLEX))}")
            elif kind < 0.6:
                self.line(depth, f"{self.pick('r1', 'r2')} = {self.filled(self.pick(*REAL))}")
            elif kind < 0.82 or depth > 2:
                self.line(depth, self.filled(self.pick(*STORES)))
            elif kind < 0.91:
                test = self.filled(self.pick("{r} > {c}.real", "abs({c}) > 1.0", "{c}.imag < {r}"))
                self.line(depth, f"if {test}:")
                self.body(depth + 1, 3)
                if self.rng.random() < 0.6:
                    self.line(depth, "else:")
                    self.body(depth + 1, 2)
            else:
                self.line(depth, f"for k{self.loops} in range(3):")
                self.loops += 1
                self.body(depth + 1, 5)
                self.loops -= 1
                for name, factor in (("c1", "0.2"), ("c2", "0.3"), ("r1", "0.2"), ("r2", "0.1")):
                    self.line(depth + 1, f"{name} = {factor} * {name}")


def write(seeds: range) -> str:
    """A module with the programs of these seeds."""
    texts = ["import cmath\nimport math\n\nimport numpy as np\n"]
    texts += ["\n".join(Writer(seed).lines) + "\n" for seed in seeds]
    return "\n\n".join(texts)
