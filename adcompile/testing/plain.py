"""Generated code as plain Python: the program that Numba would compile, for a debugger."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any

from adcompile.backends.cpu import DIRECTIONS, Argnums, Mode
from adcompile.backends.store import Generated
from adcompile.backends.values import ANYWHERE, Ones, axes_of_one, type_of_value
from adcompile.clones import PREFIX
from adcompile.errors import BroadcastError
from adcompile.makers import all_makers
from adcompile.options import Options
from adcompile.pipeline import derive, generate


def plain_value_and_grad(
    f: Any,
    argnums: int | tuple[int, ...] = 0,
    optimise: bool = True,
    mutate: Callable[[str], str] | None = None,
) -> Callable[..., tuple[Any, Any]]:
    """``value_and_grad(f, argnums)`` that runs the generated module as plain Python.

    The program is the one that Numba would compile, for the types of the arguments; only its
    decorators are ignored.  ``mutate`` may change the text first: tests plant bugs with it.
    """
    single = isinstance(argnums, int)
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    def make(types: tuple[Any, ...], ones: Ones) -> Callable[..., Any]:
        options = Options(cache=False, optimise=optimise)
        wanted = Argnums(positions, single, "grad", ones)
        found = derive(f, types, wanted, False, options).generated
        text = found.text if mutate is None else mutate(found.text)
        entry: Callable[..., Any] = run_plain(text, known_to(found))[
            found.entries["value_and_grad"]
        ]
        return entry

    return _retrying(make, lambda args: args)


def _retrying(
    make: Callable[[tuple[Any, ...], Ones], Callable[..., Any]],
    primals: Callable[[tuple[Any, ...]], tuple[Any, ...]],
) -> Callable[..., Any]:
    """As compiled derivatives do: once more with axes that broadcast, if extents differ."""
    made: dict[Any, Callable[..., Any]] = {}

    def call(*args: Any) -> Any:
        given = primals(args)
        types = tuple(type_of_value(a) for a in given)
        ones = axes_of_one(given)
        attempts = dict.fromkeys(((), ones, (*ones, *ANYWHERE)))
        for attempt in attempts:
            if (types, attempt) not in made:
                made[types, attempt] = make(types, attempt)
            try:
                return made[types, attempt](*args)
            except BroadcastError as error:
                last = error
        raise last

    return call


def plain_jvp(
    f: Any, argnums: tuple[int, ...], optimise: bool = True, several: bool = False
) -> Callable[..., tuple[Any, Any]]:
    """``jvp`` in ``argnums`` that runs the generated module as plain Python: a function of the
    arguments and of the tangents of those, in order.  ``several``: in 4 directions at once, the
    tangents of one after those of the other."""
    mode: Mode = "jvps" if several else "jvp"
    count = (DIRECTIONS if several else 1) * len(argnums)

    def make(types: tuple[Any, ...], ones: Ones) -> Callable[..., Any]:
        options = Options(cache=False, optimise=optimise)
        found = generate(f, types, Argnums(argnums, False, mode, ones), False, options)
        entry: Callable[..., Any] = run_plain(found.text, known_to(found))[found.entries[mode]]
        return entry

    call = _retrying(make, lambda args: args[: len(args) - count])
    return lambda args, tangents: call(*args, *tangents)


def known_to(found: Generated) -> dict[str, Any]:
    """What the module is given besides its text: captured arrays, functions of the user's."""
    own = {c.name.removeprefix(PREFIX): c.func for c in found.callees}
    return {**found.constants, **own, **all_makers()}


def run_plain(text: str, constants: dict[str, Any]) -> dict[str, Any]:
    """Execute a generated module without Numba; its namespace."""
    name = f"<adcompile plain {abs(hash(text))}>"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    namespace: dict[str, Any] = {"__name__": "adcompile_plain", **constants}
    plain = text.replace("from numba import njit", "njit = lambda **flags: lambda f: f")
    exec(compile(plain, name, "exec"), namespace)
    for key, value in list(namespace.items()):
        namespace[key] = getattr(value, "py_func", value)
    return namespace
