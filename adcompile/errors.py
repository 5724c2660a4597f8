"""The errors users see.  Each names the user's file and line, shows it, and says what to write."""

from __future__ import annotations

import linecache
from dataclasses import dataclass


@dataclass(frozen=True)
class Loc:
    """A place in the user's source: file, 1-based line, 0-based column."""

    file: str
    line: int
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


NOWHERE = Loc("<generated>", 0)


class AdcompileError(Exception):
    """Base of all errors of adcompile.

    ``message`` says what is wrong, ``advice`` what to write instead, ``loc`` where.
    """

    def __init__(self, message: str, loc: Loc | None = None, advice: str = "") -> None:
        self.message, self.loc, self.advice = message, loc, advice
        super().__init__(self._render())

    def _render(self) -> str:
        parts = [self.message]
        if self.loc is not None and self.loc.line:
            parts.append(f"  at {self.loc}")
            text = linecache.getline(self.loc.file, self.loc.line).rstrip("\n")
            if text:
                parts += [f"    {text}", "    " + " " * self.loc.column + "^"]
        if self.advice:
            parts.append(f"  {self.advice}")
        return "\n".join(parts)


class UnsupportedError(AdcompileError):
    """A construct that adcompile does not differentiate (yet)."""


class MissingRuleError(AdcompileError):
    """A function without a derivative rule was applied to an active value."""


class AliasError(AdcompileError):
    """Array arguments overlap although one of them is written."""


class BroadcastError(AdcompileError, ValueError):
    """Whole arrays meet whose extents differ."""


class NonScalarOutputError(AdcompileError, TypeError):
    """``grad`` of a function whose result is not a real floating scalar."""


class InactiveArgumentError(AdcompileError, TypeError):
    """A derivative was asked for with respect to an integer, boolean or other non-float."""


class VerifierError(AdcompileError):
    """A pass of adcompile produced a malformed program: a bug of ours."""
