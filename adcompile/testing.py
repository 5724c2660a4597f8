"""Help for tests, ours and users': run generated code as plain Python, and check gradients."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any

from adcompile.backends.cpu import Argnums, type_of_value
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
    made: dict[tuple[Any, ...], Callable[..., tuple[Any, Any]]] = {}

    def call(*args: Any) -> tuple[Any, Any]:
        types = tuple(type_of_value(a) for a in args)
        if types not in made:
            options = Options(cache=False, optimise=optimise)
            found = derive(f, types, Argnums(positions, single), False, options).generated
            text = found.text if mutate is None else mutate(found.text)
            module = run_plain(text, dict(found.constants))
            made[types] = module[found.entries["value_and_grad"]]
        result: tuple[Any, Any] = made[types](*args)
        return result

    return call


def plain_jvp(
    f: Any, argnums: tuple[int, ...], optimise: bool = True
) -> Callable[..., tuple[Any, Any]]:
    """``jvp`` in ``argnums`` that runs the generated module as plain Python: a function of the
    arguments and of the tangents of those, in order."""
    made: dict[tuple[Any, ...], Callable[..., tuple[Any, Any]]] = {}

    def call(args: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
        types = tuple(type_of_value(a) for a in args)
        if types not in made:
            options = Options(cache=False, optimise=optimise)
            wanted = Argnums(argnums, False, "jvp")
            found = generate(f, types, wanted, False, options)
            made[types] = run_plain(found.text, dict(found.constants))[found.entries["jvp"]]
        result: tuple[Any, Any] = made[types](*args, *tangents)
        return result

    return call


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
