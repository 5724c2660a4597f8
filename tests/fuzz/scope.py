"""What a point of a program may use.

Every variable keeps what is promised of it for as long as it lives: an int stays in lo..hi, an
array name is only bound to arrays of at least ``size`` elements (exactly so many if ``exact``).
That is why every index is in range, however the program runs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

VALUE_BOUND = 2.0  # of floats: scalars and array elements, but for slow growth by +=


@dataclass(frozen=True)
class Var:
    name: str
    kind: str  # f i b, a (1-D), m (2-D), p (ints 1-D), t (tuple of floats), ta (of two arrays)
    size: int = 0
    cols: int = 0
    exact: bool = True
    lo: int = 0
    hi: int = 0
    assign: bool = True  # the name may be assigned
    write: bool = True  # the elements may be

    def accepts(self, other: Var) -> bool:
        """May this array name be rebound to that array?"""
        if self.kind != other.kind or not self.assign or self.name == other.name:
            return False
        if self.exact and not (other.exact and (self.size, self.cols) == (other.size, other.cols)):
            return False
        return other.size >= self.size and other.cols >= self.cols and other.write >= self.write


@dataclass(frozen=True)
class Helper:
    """A generated function that others may call."""

    name: str
    params: tuple[Var, ...]
    writes: bool
    returns: str  # f, none, t (two floats), a (array of exactly 5)
    defaults: int = 0  # how many trailing parameters have one


@dataclass(frozen=True)
class Where:
    """The control context of a statement."""

    depth: int = 0
    work: int = 1  # how often it may run
    in_loop: bool = False
    step: str = ""  # what `continue` must do first


@dataclass
class Scope:
    variables: list[Var] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def of(self, kind: str) -> list[Var]:
        return [v for v in self.variables if v.kind == kind]

    def fresh(self, prefix: str) -> str:
        self.counts[prefix] += 1
        return f"{prefix}{self.counts[prefix]}"

    def add(self, v: Var) -> None:
        self.variables = [w for w in self.variables if w.name != v.name] + [v]
