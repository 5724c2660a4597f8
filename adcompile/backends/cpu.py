"""From argument types to machine code: pipeline, store, Numba.

All state is guarded by Numba's own ``global_compiler_lock``: a second lock would deadlock with
a thread that is inside Numba and needs a specialisation of ours.
"""

from __future__ import annotations

import importlib
import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self, cast

from numba.core import config, errors, types
from numba.core.compiler_lock import global_compiler_lock

from adcompile.backends import starts, store
from adcompile.backends.parts import set_environments
from adcompile.backends.starts import Request
from adcompile.backends.store import Generated, Loaded
from adcompile.backends.values import ANYWHERE, Ones, axes_of_one, is_differentiable, type_of_value
from adcompile.collector import collector_off
from adcompile.errors import (
    AdcompileError,
    InactiveArgumentError,
    Loc,
    NonScalarOutputError,
    UnsupportedError,
)
from adcompile.makers import class_named, makers_in
from adcompile.options import Options

_config: Any = config
Types = tuple[Any, ...]
Mode = Literal["grad", "vjp", "jvp", "jvps"]
DIRECTIONS = 4  # that "jvps" takes at once


class Argnums(tuple[int, ...]):
    """Positions to differentiate.

    ``single`` when the user gave one, not in a tuple.  ``mode``: "grad", for which the output must
    be a scalar; "vjp" when a pullback is wanted; "jvp" for forward mode, "jvps" for that in several
    directions at once.  ``ones``: (argument, and places in it, axis) of the axes that are known to
    have extent one, and so broadcast.
    """

    single: bool
    mode: Mode
    ones: Ones

    def __new__(
        cls, positions: tuple[int, ...], single: bool, mode: Mode = "grad", ones: Ones = ()
    ) -> Self:
        made = super().__new__(cls, positions)
        made.single, made.mode, made.ones = single, mode, ones
        return made

    def __getnewargs__(self) -> tuple[tuple[int, ...], bool, Mode, Ones]:
        return tuple(self), self.single, self.mode, self.ones

    def __repr__(self) -> str:  # into fingerprints
        return f"Argnums({tuple(self)}, single={self.single}, {self.mode}, {self.ones})"


class Pipeline(Protocol):
    """What ``adcompile.pipeline`` offers."""

    def generate(
        self, func: Any, argtypes: Types, argnums: Argnums, has_aux: bool, options: Options
    ) -> Generated: ...


def pipeline() -> Pipeline:
    # Late: the pipeline imports Generated from here, and its import costs what a call may not need.
    return cast(Pipeline, importlib.import_module("adcompile.pipeline"))


@dataclass(eq=False)
class Derivation:
    """What is differentiated and how; its specialisations.

    ``target`` is what the user gave, a function or a Dispatcher; ``argnums`` None means every
    argument of floating type, as ``vjp`` and ``jvp`` have it: then ``mode`` says which.
    """

    target: Any
    argnums: Argnums | None
    has_aux: bool
    options: Options
    mode: Mode = "vjp"
    ones: Ones = ()

    def __post_init__(self) -> None:
        self.func: Callable[..., Any] = getattr(self.target, "py_func", self.target)
        parameters = inspect.signature(self.func).parameters.values()
        self.parameters = tuple(p.name for p in parameters)
        starred = [k for k, p in enumerate(parameters) if p.kind is p.VAR_POSITIONAL]
        self.starred = starred[0] if starred else None  # the place of ``*args``
        self.compares = False  # whether the latest compares extents
        self._latest: tuple[Derivation, Types] | None = None
        self._loaded: dict[Types, Loaded] = {}
        self._requests: dict[Types, Request | None] = {}
        self._once: dict[Types, bool] = {}
        self._variants: dict[Ones, Derivation] = {}
        self.tangents: dict[Any, Any] = {}  # by values.plain_key; kept by pullbacks.py

    @property
    def loc(self) -> Loc:
        return Loc(self.func.__code__.co_filename, self.func.__code__.co_firstlineno)

    def packed(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """One per parameter, out of what a call has: ``*args`` is a tuple, as in Numba."""
        if self.starred is None:
            return args
        return (*args[: self.starred], tuple(args[self.starred :]))

    def unpacked(self, found: tuple[Any, ...], count: int) -> tuple[Any, ...]:
        """One per argument of a call with ``count`` of them, out of one per parameter."""
        if self.starred is None or count <= self.starred:
            return tuple(found[:count])
        rest = found[self.starred]
        rest = (None,) * (count - self.starred) if rest is None else tuple(rest)
        return (*found[: self.starred], *rest)

    @property
    def stated_options(self) -> Options:
        """Options as far as they are known without reading the source."""
        return self.options

    @property
    def latest(self) -> Loaded | None:
        """The module of the latest specialisation."""
        if self._latest is None:
            return None
        derivation, argtypes = self._latest
        return derivation.specialise(argtypes)

    def note_latest(self, other: Derivation, argtypes: Types | None = None) -> None:
        """``argtypes`` None: what is the latest of ``other``."""
        self._latest = other._latest if argtypes is None else (other, argtypes)

    def specialise(self, argtypes: Types) -> Loaded:
        """The imported module for these types: of this process, of the disk, or a new one."""
        key = tuple(types.unliteral(kind) for kind in argtypes)
        with global_compiler_lock:
            found = self._loaded.get(key)
            if found is None:
                self._check_types(key)
                found = self._loaded[key] = self._fetch(key)
            return found

    def _fetch(self, argtypes: Types) -> Loaded:
        request = self._request(argtypes)
        if request is not None and (functions := request.functions) is not None:
            found = store.load(request.fact("fingerprint"), functions)
            if found is not None:
                return found
        return self._read(argtypes)

    def _read(self, argtypes: Types) -> Loaded:
        """The same from the user's source."""
        # Late: what finds its code on disk has no use for the frontend.
        from adcompile.clones import namespace
        from adcompile.fingerprint import fingerprint
        from adcompile.frontend.parse import parse

        argnums = self._positions(argtypes)
        request = self._requests[argtypes] = starts.ask(self, argnums, argtypes)
        program = parse(self.target, argtypes)
        key = fingerprint(self.target, argtypes, argnums, self.has_aux, self.options, program)
        functions = namespace(program.callees, self.options)
        if _config.DISABLE_JIT:  # to be stepped through
            functions = {name: made.py_func for name, made in functions.items()}
        makers = makers_in(argtypes) | {name: class_named(name) for name in program.makers}
        functions.update(makers)
        found = store.load(key, functions) if self.options.cache else None
        if found is None:
            text = pipeline().generate(self.target, argtypes, argnums, self.has_aux, self.options)
            found = store.save(key, text, self.options.cache, functions)
        if request is not None:
            facts = {"fingerprint": key, "runs_once": _runs_once(program)}
            callees = [str(getattr(callee, "name", "")) for callee in program.callees]
            starts.keep_index(request, starts.facts(found, callees, makers) | facts)
        return found

    def _request(self, argtypes: Types) -> Request | None:
        """What to look for on disk.  Asked once: what these types mean stays, as with Numba, when
        a global changes later."""
        if argtypes not in self._requests:
            found = starts.ask(self, self._positions(argtypes), argtypes)
            if found is not None and found.index is not None:
                found.functions = starts.functions(found, lambda: self.options)
            self._requests[argtypes] = found
        return self._requests[argtypes]

    def _positions(self, argtypes: Types) -> Argnums:
        argnums = self.wanted(argtypes)
        if self.ones:
            argnums = Argnums(tuple(argnums), argnums.single, argnums.mode, self.ones)
        return argnums

    def wanted(self, argtypes: Types) -> Argnums:
        """What is differentiated for these types."""
        if self.argnums is not None:
            return self.argnums
        chosen = tuple(i for i, kind in enumerate(argtypes) if is_differentiable(kind))
        if not chosen:
            raise InactiveArgumentError(
                f"no argument of {self.func.__name__} is of floating type", self.loc
            )
        return Argnums(chosen, single=False, mode=self.mode)

    def _check_types(self, argtypes: Types) -> None:
        for name, kind in zip(self.parameters, argtypes, strict=False):
            item = kind.dtype if isinstance(kind, types.Array) else kind
            if isinstance(item, _FROM_PYTHON):
                raise UnsupportedError(
                    f"the argument '{name}' has type {kind}, which is taken apart in calls from "
                    "Python only",
                    self.loc,
                    "Call the derivative from Python, or pass a NamedTuple or arrays.",
                )
            if isinstance(kind, types.PyObject):
                raise InactiveArgumentError(
                    f"{self.func.__name__}: Numba has no type for argument '{name}'",
                    self.loc,
                    "Pass numbers, arrays, or tuples of them; functions as Numba Dispatchers.",
                )

    def runs_once(self, args: tuple[Any, ...]) -> bool:
        """Whether the function draws random numbers, or calls what may have an effect, and so must
        not be tried twice."""
        kinds = tuple(type_of_value(value) for value in self.packed(args))
        if kinds not in self._once:
            with global_compiler_lock:
                request = self._request(kinds)
                known = None if request is None else request.fact("runs_once")
                if known is None:
                    from adcompile.frontend.parse import parse

                    known = _runs_once(parse(self.target, kinds))
                    if request is not None:
                        starts.keep_index(request, {"runs_once": known})
                self._once[kinds] = bool(known)
        return self._once[kinds]

    def fitting(self, args: tuple[Any, ...]) -> Derivation:
        """The derivative to begin with: where there is one attempt, that in which axes of extent
        one broadcast."""
        if self.ones or not axes_of_one(args) or not self.runs_once(args):
            return self
        return self.broadcasting(args) or self

    def broadcasting(self, args: tuple[Any, ...]) -> Derivation | None:
        """The same derivative for arguments whose axes of extent one broadcast; after that, where
        all axes may that turn out to have extent one; None if that is what this one is."""
        ones = axes_of_one(self.packed(args))
        if ones != self.ones:
            return None if self.ones[-1:] == ANYWHERE else self.variant(ones)
        return None if self.runs_once(args) else self.variant((*ones, *ANYWHERE))

    def variant(self, ones: Ones) -> Derivation | None:
        """That for these axes."""
        if ones == self.ones:
            return None
        if ones not in self._variants:
            options = self.stated_options
            made = type(self)(self.target, self.argnums, self.has_aux, options, self.mode, ones)
            self._variants[ones] = made
        return self._variants[ones]

    def compile(self, kind: str, argtypes: Types) -> Any:
        """Numba's compile result of entry ``kind`` for exactly these types."""
        key = tuple(types.unliteral(one) for one in argtypes)
        with global_compiler_lock:
            self._check_types(key)
            request = self._request(key)
            if request is not None and key == argtypes:
                result = starts.load(request, kind, argtypes)
                if result is not None:
                    self._latest, self.compares = (self, key), bool(request.fact("compares"))
                    return result
            with collector_off():
                loaded = self.specialise(key)
                if kind not in loaded.generated.entries:
                    raise NonScalarOutputError(
                        f"{kind} of {self.func.__name__}: its result is not a real scalar",
                        self.loc,
                        "Return one float, or use vjp.",
                    )
                result = compile_entry(loaded, kind, argtypes)
            if key == argtypes:
                starts.keep(self._requests[key], loaded, kind, argtypes)
            self._latest, self.compares = (self, key), "BroadcastError" in loaded.generated.text
            return result


def _runs_once(program: Any) -> bool:
    from adcompile.ir import nodes as ir
    from adcompile.ir.walk import statements

    calls = (s.fn for s in statements(program.body) if isinstance(s, ir.Call))
    return any(not fn.startswith("list.") for fn in calls)


# Lists, records and instances of jitclasses: containers.py has other types for what Python gives.
_FROM_PYTHON = (
    types.List,
    types.ListType,
    types.DictType,
    types.Record,
    types.ClassInstanceType,
)


def compile_entry(loaded: Loaded, kind: str, argtypes: Types) -> Any:
    """Numba's result for these types.

    Functions among the arguments are inlined, and the entry never reads them: it is compiled for
    None in their place, as the type of a function is another one in every process, and so would be
    what Numba keeps on disk.  Both are passed as a pointer that nobody follows.
    """
    known = starts.known(loaded.path.stem, kind, argtypes)
    if known is not None:
        return starts.for_types(known, argtypes)
    entry = loaded.entry(kind)
    wanted, argtypes = argtypes, starts.compiled_for(argtypes)
    with warnings.catch_warnings():
        # Both speak of generated code: large captured arrays, products of strided arrays.
        warnings.filterwarnings("ignore", "Cannot cache compiled", errors.NumbaWarning)
        warnings.simplefilter("ignore", errors.NumbaPerformanceWarning)
        try:
            entry.compile(argtypes)
        except (errors.NumbaError, AdcompileError):
            raise
        except Exception:
            # A truncated file of Numba's cache shows as any of a dozen unpickling errors.
            if entry.stats.cache_path is None:
                raise
            store.drop_compiled(loaded.path, entry.stats.cache_path)
            entry.compile(argtypes)
    result = entry.overloads[argtypes]
    set_environments(result)
    return starts.for_types(result, wanted)
