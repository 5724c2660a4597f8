"""From argument types to machine code: pipeline, store, Numba.

All state is guarded by Numba's own ``global_compiler_lock``: a second lock would deadlock with
a thread that is inside Numba and needs a specialisation of ours.
"""

from __future__ import annotations

import copy
import importlib
import inspect
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self, cast

import numpy as np
from numba.core import config, errors, types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.typing.typeof import Purpose, typeof

from adcompile.backends import store
from adcompile.backends.parts import set_environments
from adcompile.backends.store import Generated, Loaded
from adcompile.clones import namespace
from adcompile.containers import for_numba as value_for_numba
from adcompile.containers import is_container
from adcompile.errors import (
    AdcompileError,
    InactiveArgumentError,
    Loc,
    NonScalarOutputError,
    UnsupportedError,
)
from adcompile.fingerprint import fingerprint, is_function
from adcompile.frontend.parse import parse
from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements
from adcompile.makers import class_named, makers_in
from adcompile.options import Options

_config: Any = config
Types = tuple[Any, ...]
Mode = Literal["grad", "vjp", "jvp"]
Ones = tuple[tuple[tuple[int, ...], int], ...]


class Argnums(tuple[int, ...]):
    """Positions to differentiate.

    ``single`` when the user gave one, not in a tuple.  ``mode``: "grad", for which the output must
    be a scalar; "vjp" when a pullback is wanted; "jvp" for forward mode.  ``ones``: (argument,
    and places in it, axis) of the axes that are known to have extent one, and so broadcast.
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
        self.latest: Loaded | None = None
        self._loaded: dict[Types, Loaded] = {}
        self._once: dict[Types, bool] = {}
        self._variants: dict[Ones, Derivation] = {}

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
        argnums = self._floats(argtypes) if self.argnums is None else self.argnums
        if self.ones:
            argnums = Argnums(tuple(argnums), argnums.single, argnums.mode, self.ones)
        program = parse(self.target, argtypes)
        key = fingerprint(self.target, argtypes, argnums, self.has_aux, self.options, program)
        functions = namespace(program.callees, self.options)
        if _config.DISABLE_JIT:  # to be stepped through
            functions = {name: made.py_func for name, made in functions.items()}
        functions.update(makers_in(argtypes))
        functions.update({name: class_named(name) for name in program.makers})
        found = store.load(key, functions) if self.options.cache else None
        if found is not None:
            return found
        text = pipeline().generate(self.target, argtypes, argnums, self.has_aux, self.options)
        return store.save(key, text, self.options.cache, functions)

    def _floats(self, argtypes: Types) -> Argnums:
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
            body = parse(self.target, kinds).body
            self._once[kinds] = any(
                isinstance(s, ir.Call) and not s.fn.startswith("list.") for s in statements(body)
            )
        return self._once[kinds]

    def fitting(self, args: tuple[Any, ...]) -> Derivation:
        """The derivative to begin with: where there is one attempt, that in which axes of extent
        one broadcast."""
        if self.ones or not axes_of_one(args) or not self.runs_once(args):
            return self
        return self.broadcasting(args) or self

    def broadcasting(self, args: tuple[Any, ...]) -> Derivation | None:
        """The same derivative for arguments whose axes of extent one broadcast; None if that is
        what this one is."""
        ones = axes_of_one(self.packed(args))
        if ones == self.ones:
            return None
        if ones not in self._variants:
            made = Derivation(
                self.target, self.argnums, self.has_aux, self.options, self.mode, ones
            )
            self._variants[ones] = made
        return self._variants[ones]

    def compile(self, kind: str, argtypes: Types) -> Any:
        """Numba's compile result of entry ``kind`` for exactly these types."""
        with global_compiler_lock:
            loaded = self.specialise(argtypes)
            if kind not in loaded.generated.entries:
                raise NonScalarOutputError(
                    f"{kind} of {self.func.__name__}: its result is not a real scalar",
                    self.loc,
                    "Return one float, or use vjp.",
                )
            result = compile_entry(loaded, kind, argtypes)
            self.latest = loaded
            return result


# Lists, records and instances of jitclasses: containers.py has other types for what Python gives.
_FROM_PYTHON = (
    types.List,
    types.ListType,
    types.DictType,
    types.Record,
    types.ClassInstanceType,
)


def axes_of_one(args: tuple[Any, ...]) -> Ones:
    """(argument and places in it, axis) of the axes of extent one."""

    def within(value: Any, path: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], int]]:
        if isinstance(value, np.ndarray):
            yield from ((path, axis) for axis, n in enumerate(value.shape) if n == 1)
        elif isinstance(value, tuple):
            for k, part in enumerate(value):
                yield from within(part, (*path, k))

    return tuple(found for k, a in enumerate(args) for found in within(a, (k,)))


def compile_entry(loaded: Loaded, kind: str, argtypes: Types) -> Any:
    """Numba's result for these types.

    Functions among the arguments are inlined, and the entry never reads them: it is compiled for
    None in their place, as the type of a function is another one in every process, and so would be
    what Numba keeps on disk.  Both are passed as a pointer that nobody follows.
    """
    entry = loaded.entry(kind)
    wanted, argtypes = argtypes, tuple(types.none if is_function(k) else k for k in argtypes)
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
    if argtypes == wanted:
        return result
    described = copy.copy(result.fndesc)  # as other compiled code calls it
    described.argtypes = wanted
    result.target_context.insert_user_function(result.entry_point, described, [result.library])
    return result._replace(signature=result.signature.replace(args=wanted), fndesc=described)


# ---------------------------------------------------------------- types and values


def is_differentiable(kind: Any) -> bool:
    """Floats and complex numbers, arrays of those, and tuples that have one."""
    if isinstance(kind, types.Array):
        kind = kind.dtype
    if isinstance(kind, types.BaseTuple):
        return any(is_differentiable(part) for part in parts(kind))
    return isinstance(kind, types.Float | types.Complex)


def parts(kind: Any) -> tuple[Any, ...]:
    return tuple(kind)


def type_of(value: Any) -> Any:
    """The Numba type that ``value`` names, or has."""
    if isinstance(value, types.Type):
        return value
    if isinstance(value, str):
        try:
            kind = eval(value, {"__builtins__": {}}, vars(types))
        except Exception as error:
            raise TypeError(f"{value!r} names no Numba type") from error
        if isinstance(kind, types.Type):
            return kind
        raise TypeError(f"{value!r} names no Numba type")
    return type_of_value(value_for_numba(value) if is_container(value) else value)


def type_of_value(value: Any) -> Any:
    try:
        return typeof(value, Purpose.argument)
    except (errors.NumbaValueError, ValueError) as error:
        raise TypeError(f"Numba has no type for {value!r}") from error


def as_cotangent(value: Any, kind: Any, out: Any) -> Any:
    """``value`` in the form that the pullback of an output ``out`` of type ``kind`` expects.

    What has no derivative (integers, None) gets None.
    """
    if not is_differentiable(kind):
        return None
    if isinstance(kind, types.BaseTuple):
        value = structured(value, out)
        if not isinstance(value, (tuple, list)) or len(value) != len(out):
            raise TypeError(f"the cotangent must be a tuple of {len(out)}, as the output is")
        made = [as_cotangent(*part) for part in zip(value, parts(kind), out, strict=True)]
        return type(out)(*made) if hasattr(out, "_fields") else tuple(made)
    if isinstance(kind, types.Array):
        array = np.asarray(value)
        if np.iscomplexobj(array) and not isinstance(kind.dtype, types.Complex):
            raise TypeError("the cotangent of a real output is complex")
        if array.shape != out.shape:
            raise ValueError(f"the cotangent has shape {array.shape}, the output {out.shape}")
        # A copy in C order: one specialisation of the pullback whatever the caller passes.
        return np.array(array, dtype=out.dtype, order="C")
    if np.ndim(value) != 0:
        raise ValueError(f"the cotangent of a scalar output has shape {np.shape(value)}")
    if isinstance(kind, types.Complex):
        return np.complex64(value) if kind == types.complex64 else complex(value)
    if np.iscomplexobj(value):
        raise TypeError("the cotangent of a real output is complex")
    return np.float32(value) if kind == types.float32 else float(value)


def structured(value: Any, whole: Any) -> Any:
    """A dict or dataclass as the tuple that it is for Numba, if ``whole`` is one of its kind."""
    if not is_container(value):
        return value
    made = value_for_numba(value)
    if isinstance(value, list) or type(made) is type(whole):
        return made
    raise TypeError(f"a {type(value).__name__} with the same keys is expected")


def as_tangent(value: Any, kind: Any, primal: Any) -> Any:
    """``value`` in the form that a tangent of ``primal``, of type ``kind``, must have.  None stands
    for zeros."""
    if value is None and isinstance(kind, types.Array) and is_differentiable(kind):
        return np.zeros(np.shape(primal), primal.dtype)
    if value is None and isinstance(kind, types.Float | types.Complex):
        value = 0.0
    if isinstance(kind, types.BaseTuple) and is_differentiable(kind):
        if value is None:
            value = (None,) * len(primal)
        value = structured(value, primal)
        if not isinstance(value, (tuple, list)) or len(value) != len(primal):
            raise TypeError(f"the tangent must be a tuple of {len(primal)}, as the argument is")
        made = [as_tangent(*part) for part in zip(value, parts(kind), primal, strict=True)]
        return type(primal)(*made) if hasattr(primal, "_fields") else tuple(made)
    try:
        return as_cotangent(value, kind, primal)
    except (TypeError, ValueError) as error:
        message = str(error).replace("cotangent", "tangent").replace("output", "argument")
        raise type(error)(message) from None
