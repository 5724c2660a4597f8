"""The object that the user holds: a Numba Dispatcher whose machine code is a generated function.

Being a Dispatcher, it is called by Numba's C code from Python, and typed and linked by Numba's
own machinery from inside ``@njit``.
"""

from __future__ import annotations

import inspect
import linecache
import weakref
from collections.abc import Callable
from typing import Any

import numba
from numba.core import config, sigutils, types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.datamodel import models
from numba.core.registry import CPUDispatcher
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, lower_getattr_generic, register_model

from adcompile.backends import values
from adcompile.backends.cpu import Argnums, Derivation
from adcompile.backends.store import Generated, Loaded
from adcompile.containers import for_numba, from_numba, is_container, like
from adcompile.errors import BroadcastError
from adcompile.options import Options


class GradType(types.Dispatcher):
    """Numba's type of a GradDispatcher: a Dispatcher with attributes."""


register_model(GradType)(models.OpaqueModel)


@infer_getattr
class GradAttributes(AttributeTemplate):
    key = GradType

    def resolve_value_and_grad(self, kind: Any) -> Any:
        return kind.dispatcher.value_and_grad._numba_type_

    def resolve_primal(self, kind: Any) -> Any:
        return kind.dispatcher.primal._numba_type_


@lower_getattr_generic(GradType)
def _lower_attribute(context: Any, builder: Any, kind: Any, value: Any, name: str) -> Any:
    # A function is all type and no value.
    return context.get_dummy_value()


_PLAIN = Options(error_model="python", cache=False)  # as Numba has it
_Base: Any = CPUDispatcher  # its attributes are set in ways that no type checker follows
_config: Any = config


class GradDispatcher(_Base):
    """A derivative of one function: ``kind`` is the entry of the generated module that it runs."""

    __adcompile__ = True

    def __init__(self, derivation: Derivation, kind: str) -> None:
        self.derivation, self.kind = derivation, kind  # the base class asks for our repr
        super().__init__(derivation.func, targetoptions={"nopython": True})
        self.derivation, self.kind = derivation, kind  # it copied the function's attributes
        self._others: dict[str, GradDispatcher] = {}
        self._variants: dict[Derivation, GradDispatcher] = {}
        self._primal: Any = None
        self.pullbacks: dict[Any, Any] = {}  # by values.plain_key; kept by pullbacks.py
        # The base class registered the plain type, and Numba refuses to replace one.
        self.typingctx._globals.pop(weakref.ref(self))
        self._type = GradType(self)
        self.typingctx.insert_global(self, self._type)

    @property
    def _numba_type_(self) -> GradType:
        return GradType(self)

    def _make_finalizer(self) -> Callable[..., None]:
        # The machine code belongs to the dispatcher in the generated module, which lives on.
        return lambda *_: None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Until it is known that no extents are compared: retry with axes that broadcast."""
        if type(self) is GradDispatcher and any(map(is_container, (*args, *kwargs.values()))):
            self.__class__ = ContainerGrad
            return self(*args, **kwargs)
        if values.axes_of_one((*args, *kwargs.values())):
            given = self._all(args, kwargs)
            fitting = self.derivation.fitting(given)
            if fitting is not self.derivation:
                return self._variant(fitting, given)
        try:
            return super().__call__(*args, **kwargs)
        except BroadcastError:
            given = self._all(args, kwargs)
            other = self.derivation.broadcasting(given)
            if other is None:
                raise
        return self._variant(other, given)

    def _compile_for_args(self, *args: Any, **kwargs: Any) -> Any:
        """Numba knows no code for these arguments: new types, or dicts and dataclasses.  What this
        returns is called."""
        if any(map(is_container, (*args, *kwargs.values()))):
            self.__class__ = ContainerGrad
            return lambda *_, **__: self(*args, **kwargs)
        return super()._compile_for_args(*args, **kwargs)

    def _in_form(self, given: tuple[Any, ...], result: Any) -> Any:
        """``result`` with the gradients in the form of the arguments."""
        argnums, given = self.derivation.argnums, self.derivation.packed(given)
        assert argnums is not None

        def of(gradients: Any) -> Any:
            if argnums.single:
                return like(given[argnums[0]], gradients)
            return tuple(like(given[k], one) for k, one in zip(argnums, gradients, strict=True))

        if self.kind == "value_and_grad":
            return from_numba(result[0]), of(result[1])
        if self.derivation.has_aux:
            return of(result[0]), from_numba(result[1])
        return of(result)

    def _all(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        if not kwargs and len(args) == len(self.derivation.parameters):
            return args
        bound = inspect.signature(self.derivation.func).bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.args

    def _variant(self, other: Derivation, args: tuple[Any, ...]) -> Any:
        with global_compiler_lock:
            if other not in self._variants:
                self._variants[other] = make(other, self.kind)
        result = self._variants[other](*args)
        self.derivation.note_latest(other)
        return result

    def direct(self, *args: Any) -> Any:
        """A call without another attempt."""
        return super().__call__(*args)

    def compile(self, sig: Any) -> Any:
        with global_compiler_lock:
            if not self._can_compile:
                raise RuntimeError("compilation disabled")
            with self._compiling_counter:
                argtypes = tuple(sigutils.normalize_signature(sig)[0])
                existing = self.overloads.get(argtypes)
                if existing is None:
                    existing = self.derivation.compile(self.kind, argtypes)
                    self.add_overload(existing)
                    compares = self.derivation.compares
                    if type(self) is GradDispatcher and not compares:
                        self.__class__ = QuickGrad
                    elif type(self) is QuickGrad and compares:
                        self.__class__ = GradDispatcher
                return existing.entry_point

    # ------------------------------------------------------------ the other functions

    def _other(self, kind: str) -> GradDispatcher:
        if kind == self.kind:
            return self
        with global_compiler_lock:
            found = self._others.get(kind)
            if found is None:
                found = self._others[kind] = make(self.derivation, kind)
                found._others = self._others
                self._others.setdefault(self.kind, self)
            return found

    @property
    def value_and_grad(self) -> GradDispatcher:
        """The same arguments -> (value, gradient)."""
        return self._other("value_and_grad")

    @property
    def primal(self) -> Any:
        """The user's function, compiled by Numba: the Dispatcher that was given, if one was.
        Plain functions that it calls are compiled with it."""
        if hasattr(self.derivation.target, "py_func"):
            return self.derivation.target
        with global_compiler_lock:
            if self._primal is None:
                self._primal = self._compiled(self.derivation.func)
            return self._primal

    def _compiled(self, func: Any) -> Any:
        """``func`` for Numba, with the plain functions that it calls."""
        # Late: what finds its code on disk has no use for it.
        from adcompile.clones import calls_plain_functions, clone

        made = clone(func, _PLAIN, {}) if calls_plain_functions(func) else numba.njit(func)
        if isinstance(made, CPUDispatcher):
            made.__class__ = PrimalDispatcher
            made.owner = self
        return made

    def vjp(self, *args: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
        """``(out, pullback)`` with respect to every argument of floating type."""
        with global_compiler_lock:
            if "forward" not in self._others:
                base = self.derivation
                every = Derivation(base.target, None, False, base.options)
                self._others["forward"] = make(every, "forward")
        # Late: that module makes dispatchers.
        from adcompile.backends.pullbacks import run_vjp

        return run_vjp(self._others["forward"], args)

    # ------------------------------------------------------------ looking inside

    def _latest(self) -> Generated:
        latest = self.derivation.latest
        if latest is None:
            name = self.derivation.func.__name__
            raise AttributeError(
                f"{name} has not been called yet, so nothing is generated; "
                f"{name}.source(*types) makes the module for given types without a call"
            )
        return latest.generated

    @property
    def forward_source(self) -> str:
        """The forward sweep of the latest specialisation."""
        return self._latest().forward_source

    @property
    def adjoint_source(self) -> str:
        """The reverse sweep of the latest specialisation."""
        return self._latest().adjoint_source

    @property
    def fused_source(self) -> str | None:
        """Value and gradient as one function, where that is what runs; else None."""
        return self._latest().fused_source

    def source(self, *arguments: Any) -> str:
        """The whole generated module for types (``float64[::1]``, also as text) or example values.

        Nothing is run.  Without arguments: that of the latest specialisation.
        """
        if not arguments and self.derivation.parameters:
            return self._latest().text
        return self._specialised(arguments).generated.text

    def explain(self, *arguments: Any) -> str:
        """The user's source, with what is stored, recomputed and inactive beside each line."""
        if not arguments:
            return self._latest().explanation
        return self._specialised(arguments).generated.explanation

    def _specialised(self, arguments: tuple[Any, ...]) -> Loaded:
        given = tuple(values.type_of(value) for value in arguments)
        return self.derivation.specialise(tuple(self.fold_argument_types(given, {})[1]))

    def __repr__(self) -> str:
        return f"<adcompile {self.kind} of {self.derivation.func.__qualname__}>"

    # ------------------------------------------------------------ pickling

    def _reduce_states(self) -> dict[str, Any]:
        base = self.derivation
        return {
            "uuid": str(self._uuid),
            "target": base.target,
            "argnums": base.argnums,
            "has_aux": base.has_aux,
            "options": base.options,
            "kind": self.kind,
            "source": _source_lines(base.func),
        }

    @classmethod
    def _rebuild(
        cls,
        uuid: str,
        target: Any,
        argnums: Argnums | None,
        has_aux: bool,
        options: Options,
        kind: str,
        source: tuple[str, list[str]] | None,
    ) -> GradDispatcher:
        known: GradDispatcher | None = cls._memo.get(uuid)
        if known is not None:
            return known
        if source is not None and not linecache.getlines(source[0]):
            # The text is what is differentiated, and this machine may not have the file.
            name, lines = source
            linecache.cache[name] = (sum(map(len, lines)), None, lines, name)
        made = make(Derivation(target, argnums, has_aux, options), kind)
        made._set_uuid(uuid)
        return made


class PrimalDispatcher(_Base):
    """The user's function for Numba, which has no types for dicts and dataclasses: of those, the
    forward sweep has the value."""

    def _compile_for_args(self, *args: Any, **kwargs: Any) -> Any:
        def untyped(value: Any) -> bool:
            try:
                return values.type_of_value(value) is None
            except TypeError:
                return is_container(value)

        if any(map(untyped, (*args, *kwargs.values()))):
            owner = self.owner
            return lambda *_, **__: owner.vjp(*owner._all(args, kwargs))[0]
        return super()._compile_for_args(*args, **kwargs)


class QuickGrad(GradDispatcher):
    """A derivative in which nothing broadcasts: its calls go straight to Numba's C code."""

    __call__ = _Base.__call__


class ContainerGrad(GradDispatcher):
    """A derivative that has been called with dicts, dataclasses and the like: it looks for them
    before Numba does, which would search long for their types."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given = self._all(args, kwargs)
        if any(map(is_container, given)):
            return self._in_form(given, super().__call__(*map(for_numba, given)))
        return super().__call__(*args, **kwargs)


class PlainGrad(GradDispatcher):
    """Under NUMBA_DISABLE_JIT=1: the generated module runs as Python, to be stepped through."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given = self._all(args, kwargs)
        if any(map(is_container, given)):
            return self._in_form(given, self(*map(for_numba, given)))
        fitting = self.derivation.fitting(given)
        if fitting is not self.derivation:
            return make(fitting, self.kind)(*given)
        try:
            return self.direct(*given)
        except BroadcastError:
            other = self.derivation.broadcasting(given)
            if other is None:
                raise
            return make(other, self.kind)(*given)

    def direct(self, *args: Any) -> Any:
        args = self.derivation.packed(args)
        given = tuple(values.type_of_value(value) for value in args)
        loaded = self.derivation.specialise(given)
        self.derivation.note_latest(self.derivation, given)
        return loaded.entry(self.kind)(*args)


def make(derivation: Derivation, kind: str) -> GradDispatcher:
    if _config.DISABLE_JIT:
        return PlainGrad(derivation, kind)
    parameters = inspect.signature(derivation.func).parameters.values()
    by_default = any(is_container(p.default) for p in parameters)
    return (ContainerGrad if by_default else GradDispatcher)(derivation, kind)


def _source_lines(func: Callable[..., Any]) -> tuple[str, list[str]] | None:
    """File name and lines, with empty ones where other code stands: line numbers must stay."""
    try:
        lines, first = inspect.getsourcelines(func)
    except (OSError, TypeError):
        return None
    if not lines:
        return None
    return func.__code__.co_filename, ["\n"] * (first - 1) + lines
