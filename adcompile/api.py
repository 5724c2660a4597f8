"""``grad``, ``value_and_grad``, ``vjp``, ``jvp``: JAX's structure of results, Numba's options."""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from numba import njit
from numba.core.dispatcher import Dispatcher
from numba.core.registry import CPUDispatcher
from numba.np.ufunc.dufunc import DUFunc

from adcompile.backends.cpu import DIRECTIONS, Argnums, Derivation
from adcompile.backends.dispatcher import GradDispatcher, make
from adcompile.backends.pullbacks import run_jvp, run_vjp
from adcompile.errors import Loc, UnsupportedError
from adcompile.options import Options, merge

Where: TypeAlias = int | str | Sequence[int | str]


def grad(
    f: Callable[..., Any] | None = None,
    argnums: Where = 0,
    has_aux: bool = False,
    **options: Any,
) -> Any:
    """The gradient of a scalar function, as a function of the same arguments.

    ``f`` is a Python function or a Numba Dispatcher; without it, a decorator is returned.
    ``argnums`` names the arguments to differentiate, by position or by name: one gives one
    gradient, a tuple a tuple.  For a complex argument z = x + iy it is df/dx - i df/dy, as in JAX.
    With ``has_aux``, ``f`` returns ``(value, aux)`` and the result is
    ``(gradient, aux)``.  Options are Numba's (``fastmath``, ``parallel``, ``error_model``,
    ``boundscheck``, ``cache``) and ``vector_math``, ``optimise``.  Adjoints made of sums and
    products alone use fused multiply-adds, unless ``contract=False`` or ``fastmath`` is given.
    With ``engine="tape"`` nothing is compiled: calls record the operations of the function, which
    may then be any that Python can run (``adcompile.tape``).  With ``target="cuda"`` loops run on
    the GPU, on device arrays (``adcompile.cuda.api``); with ``deterministic=True`` without atomics.
    """
    return _derivative("grad", f, argnums, has_aux, options)


def value_and_grad(
    f: Callable[..., Any] | None = None,
    argnums: Where = 0,
    has_aux: bool = False,
    **options: Any,
) -> Any:
    """As ``grad``, but the result is ``(value, gradient)``, or ``((value, aux), gradient)``."""
    return _derivative("value_and_grad", f, argnums, has_aux, options)


def vjp(f: Callable[..., Any], *args: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """``(f(*args), pullback)``.

    The pullback takes a cotangent with the structure of the output and returns a tuple with one
    cotangent per argument, None for integers and booleans.  It may be called again and again.
    With complex numbers it is the transpose, without conjugation: Re(cotangent * tangent of the
    output) = Re(sum of pulled back cotangents * tangents of the arguments).
    """
    return run_vjp(_forward(_hashable(f, "vjp")), args)


def _hashable(f: Any, what: str) -> Any:
    """What derivatives are kept by; ``_check_target`` refuses anything else."""
    f = of_numbers(f)
    if not isinstance(f, Hashable):
        _check_target(f, what)
    return f


@functools.lru_cache(maxsize=256)
def _forward(f: Callable[..., Any]) -> GradDispatcher:
    """One per function, so that a second call finds what the first compiled."""
    _check_target(f, "vjp")
    return make(_derivation(f, None, False, {}), "forward")


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """``(f(*primals), tangent)``: forward mode, the derivative along ``tangents``.

    ``tangents`` has one entry per primal, of its shape and structure; None stands for zeros, and
    must stand for integers and booleans.  ``tangent`` has the structure of the output.  Tangents
    of complex values are complex, those of real ones real.
    """
    derivation = _tangent(_hashable(f, "jvp"))
    for name, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, tuple | list):
            raise TypeError(f"jvp takes {name} as a tuple, not {type(given).__name__}")
    if len(primals) != len(tangents):
        raise TypeError(f"jvp: {len(primals)} primals and {len(tangents)} tangents")
    return run_jvp(derivation, tuple(primals), tuple(tangents))


@functools.lru_cache(maxsize=256)
def _tangent(f: Callable[..., Any]) -> Derivation:
    _check_target(f, "jvp")
    derivation = _derivation(f, None, False, {})
    derivation.mode = "jvp"
    return derivation


def jvps(
    f: Callable[..., Any],
    argnums: Argnums,
    primals: tuple[Any, ...],
    directions: Sequence[tuple[Any, ...]],
) -> tuple[Any, list[Any]]:
    """``(f(*primals), tangents)`` in at most ``DIRECTIONS`` at once, along these arguments."""
    derivation = _tangents(_hashable(f, "jvp"), tuple(argnums))
    idle = (None,) * len(primals)
    padding = [idle] * (DIRECTIONS - len(directions))
    out, tangents = run_jvp(derivation, primals, *directions, *padding)
    return out, list(tangents[: len(directions)])


@functools.lru_cache(maxsize=256)
def _tangents(f: Callable[..., Any], argnums: tuple[int, ...]) -> Derivation:
    _check_target(f, "jvp")
    derivation = _derivation(f, Argnums(argnums, False, "jvps"), False, {})
    derivation.mode = "jvps"
    return derivation


def _derivative(kind: str, f: Any, argnums: Where, has_aux: bool, options: dict[str, Any]) -> Any:
    if f is None:
        merge(None, options)  # a wrong option shows at the decorator's line
        return lambda func: _made(kind, func, argnums, has_aux, options)
    return _made(kind, f, argnums, has_aux, options)


def _made(kind: str, f: Any, argnums: Where, has_aux: bool, options: dict[str, Any]) -> Any:
    f = of_numbers(f)
    if options.get("engine") == "tape":
        return _recording(kind, f, argnums, has_aux, options)
    _check_target(f, kind)
    positions = argument_positions(f, argnums)
    derivation = _derivation(f, positions, bool(has_aux), options)
    if options.get("target") == "cuda":
        # Late: without a GPU nobody needs it.
        from adcompile.cuda.api import CudaGrad

        return CudaGrad(derivation, kind)
    return make(derivation, kind)


def _recording(kind: str, f: Any, argnums: Where, has_aux: bool, options: dict[str, Any]) -> Any:
    """Late: programs that compile have no use for the engine."""
    from adcompile.tape.engine import TapeGrad

    if len(options) > 1:
        others = ", ".join(sorted(options.keys() - {"engine"}))
        raise TypeError(f"engine='tape' compiles nothing, and has no option {others}")
    if getattr(f, "__adcompile__", False):
        _check_target(f, kind)
    return TapeGrad(f, argument_positions(f, argnums), bool(has_aux), kind)


def _derivation(
    f: Any, argnums: Argnums | None, has_aux: bool, explicit: dict[str, Any]
) -> Derivation:
    options = merge(getattr(f, "targetoptions", None), explicit)
    inherits = options.fastmath and "fastmath" not in explicit
    return (_Inheriting if inherits else Derivation)(f, argnums, has_aux, options)


class _Inheriting(Derivation):
    """Has its Dispatcher's ``fastmath``, as far as the callees grant it.

    That is found when it is first asked for: a module may define the callees below the root.
    """

    _wanted: Options
    _found: Options | None

    @property
    def stated_options(self) -> Options:
        return self._wanted

    @property
    def options(self) -> Options:
        if self._found is None:
            from adcompile.frontend.parse import granted_fastmath

            self._found = replace(self._wanted, fastmath=granted_fastmath(self.target))
        return self._found

    @options.setter
    def options(self, wanted: Options) -> None:
        self._wanted, self._found = wanted, None


def of_numbers(f: Any) -> Any:
    """``f``; of a ``@vectorize`` function, that which it runs on each element."""
    return _element_of(f) if isinstance(f, DUFunc) else f


@functools.lru_cache(maxsize=256)
def _element_of(f: Any) -> Any:
    options = {k: v for k, v in f.targetoptions.items() if k in ("fastmath", "boundscheck")}
    return njit(f.__wrapped__, error_model="numpy", **options)


def _check_target(f: Any, what: str) -> None:
    if getattr(f, "__adcompile__", False):
        raise UnsupportedError(
            f"{what} of {f!r}: derivatives of derivatives are not supported yet",
            _place(f.py_func),
            f"Pass the function itself, or {f.__name__}.primal.",
        )
    if isinstance(f, Dispatcher):
        if not isinstance(f, CPUDispatcher) or f.targetoptions.get("forceobj"):
            raise UnsupportedError(f"{what} of {f!r}: only nopython functions for the CPU")
        if f.locals:
            raise UnsupportedError(
                f"{what} of {f!r}: a Dispatcher with declared types of locals",
                _place(f.py_func),
                "Leave out locals= and convert the values in the function.",
            )
    elif not inspect.isfunction(f) and not _is_user_function(f):
        hint = f"; did you mean argnums={f!r}?" if isinstance(f, int) else ""
        raise TypeError(f"{what} takes a Python function or a Numba Dispatcher, not {f!r}{hint}")
    func = getattr(f, "py_func", f)
    for parameter in inspect.signature(func).parameters.values():
        if parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD):
            raise UnsupportedError(
                f"{what} of {func.__name__}: parameter '{parameter}' is not a plain one",
                _place(func),
                "Name each parameter, to be given by position.",
            )


def _is_user_function(f: Any) -> bool:
    from adcompile.custom import UserFunction

    return isinstance(f, UserFunction)


def _place(func: Any) -> Loc:
    return Loc(func.__code__.co_filename, func.__code__.co_firstlineno)


def argument_positions(f: Callable[..., Any], argnums: Where) -> Argnums:
    """``argnums`` as positions in the signature of ``f``."""
    func = getattr(f, "py_func", f)
    names = tuple(inspect.signature(func).parameters)
    single = isinstance(argnums, str) or not isinstance(argnums, Sequence)
    wanted: Any = (argnums,) if single else argnums
    found = tuple(_position(func.__name__, names, one) for one in wanted)
    if not found:
        raise ValueError("argnums is empty")
    if len(set(found)) != len(found):
        raise ValueError(f"argnums {argnums!r} names an argument twice")
    return Argnums(found, single)


def _position(function: str, names: tuple[str, ...], one: Any) -> int:
    listed = f"{function} has {len(names)}: {', '.join(names)}"
    if isinstance(one, str):
        if one not in names:
            raise ValueError(f"argnums: no parameter '{one}'; {listed}")
        return names.index(one)
    if isinstance(one, bool):
        raise TypeError(f"argnums takes positions or names, not {one!r}")
    try:
        index = operator.index(one)
    except TypeError:
        raise TypeError(f"argnums takes positions or names, not {one!r}") from None
    if not -len(names) <= index < len(names):
        raise ValueError(f"argnums: no parameter {index}; {listed}")
    return index % len(names)
