"""What a user may choose, and how that meets the options of a Dispatcher that is passed in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeAlias

FastMath: TypeAlias = bool | frozenset[str]

# LLVM's names, as Numba's ``fastmath`` takes them.
FAST_FLAGS = frozenset({"fast", "nnan", "ninf", "nsz", "arcp", "contract", "afn", "reassoc"})
ERROR_MODELS = ("numpy", "python")
ENGINES = ("compiled", "tape")
TARGETS = ("cpu", "cuda")

# Dispatcher options that change what the user's program computes, and so must be kept.
KEPT = ("fastmath", "parallel", "error_model", "boundscheck", "nogil")


def _optimise_by_default() -> bool:
    return os.environ.get("ADCOMPILE_OPTIMISE", "1") != "0"


@dataclass(frozen=True)
class Options:
    """The options of one derivative.  Names that Numba has keep Numba's meaning."""

    fastmath: FastMath = False
    parallel: bool = False
    error_model: str = "numpy"
    boundscheck: bool = False
    nogil: bool = False
    cache: bool = True
    optimise: bool = field(default_factory=_optimise_by_default)
    contract: bool = True
    vector_math: bool = True
    engine: str = "compiled"
    target: str = "cpu"
    deterministic: bool = False  # on CUDA: no atomics

    def __post_init__(self) -> None:
        object.__setattr__(self, "fastmath", fast_flags(self.fastmath))
        flags = ("parallel", "boundscheck", "nogil", "cache", "optimise", "contract", "vector_math")
        for name in (*flags, "deterministic"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"option {name} must be True or False, not {getattr(self, name)!r}")
        _one_of("error_model", self.error_model, ERROR_MODELS)
        _one_of("engine", self.engine, ENGINES)
        _one_of("target", self.target, TARGETS)
        if self.target == "cuda":  # the device's library has the functions, its threads the loops
            object.__setattr__(self, "vector_math", False)
            object.__setattr__(self, "parallel", False)

    def __repr__(self) -> str:  # into fingerprints: no set order
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return f"Options({values | self.decorator()})"

    def described(self) -> str:
        """What differs from the defaults, in one line."""
        usual = Options(optimise=True)
        told = {f.name: getattr(self, f.name) for f in fields(self)} | self.decorator()
        changed = [f"{k}={v!r}" for k, v in told.items() if v != getattr(usual, k)]
        return ", ".join(changed) or "the defaults"

    def contracted(self) -> Options:
        """These options, with products fused into sums."""
        if self.fastmath is True or "fast" in self._flags():
            return self
        return replace(self, fastmath=self._flags() | {"contract"})

    def _flags(self) -> frozenset[str]:
        return self.fastmath if isinstance(self.fastmath, frozenset) else frozenset()

    def decorator(self) -> dict[str, Any]:
        """Keywords for ``@njit`` of generated functions.

        Every one is stated, because Numba lets a caller's flags leak into callees that leave
        them unset.
        """
        fast: bool | dict[str, bool] = bool(self.fastmath)
        if isinstance(self.fastmath, frozenset):  # a dict, as a set would print in any order
            fast = {flag: True for flag in sorted(self.fastmath)}
        return {
            "fastmath": fast,
            "parallel": self.parallel,
            "error_model": self.error_model,
            "boundscheck": self.boundscheck,
            "nogil": self.nogil,
            "cache": self.cache,
        }


def merge(target: Mapping[str, object] | None, explicit: Mapping[str, object]) -> Options:
    """Our defaults, then what the user's Dispatcher sets, then what the call to grad says."""
    known = {f.name for f in fields(Options)}
    for name in explicit:
        if name not in known:
            raise TypeError(f"unknown option {name!r}; known: {', '.join(sorted(known))}")
    chosen: dict[str, Any] = {}
    for name, value in (target or {}).items():
        # Numba's jit() writes boundscheck=None where the user said nothing.
        if name in KEPT and value is not None:
            chosen[name] = value if name in ("fastmath", "error_model") else bool(value)
    if "fastmath" in {*explicit, *(target or ())}:  # all that the user wants is said
        chosen["contract"] = False
    chosen.update(explicit)
    return Options(**chosen)


def fast_flags(value: object) -> FastMath:
    """``fastmath`` as Numba takes it, a bool, a set of flags or a dict, in one form."""
    if isinstance(value, bool):
        return value
    if isinstance(value, Mapping):  # Numba: flag -> whether it is on
        value = frozenset(name for name, on in value.items() if on)
    if not isinstance(value, (set, frozenset, list, tuple)):
        raise TypeError(f"option fastmath must be a bool or a set of LLVM flags, not {value!r}")
    wrong = sorted(str(flag) for flag in value if flag not in FAST_FLAGS)
    if wrong:
        raise ValueError(
            f"unknown fastmath flag {', '.join(wrong)}; known: {', '.join(sorted(FAST_FLAGS))}"
        )
    return frozenset(value) or False


def common_flags(a: FastMath, b: FastMath) -> FastMath:
    """What both grant.  True and the flag "fast" stand for every flag."""
    if a is True or (a and "fast" in a):
        return b
    if b is True or (b and "fast" in b):
        return a
    return a & b or False if a and b else False


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"option {name} must be one of {', '.join(allowed)}, not {value!r}")
