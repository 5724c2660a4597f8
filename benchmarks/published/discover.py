"""Every jitted function of an installed package.

    python -m benchmarks.published.discover NAME      (a name to import: umap)

Imports all modules of the package that mention Numba, and prints one JSON object: the functions
found, where each can be had again, and the modules that could not be imported.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import importlib.util
import io
import json
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numba.core.registry import CPUDispatcher


@dataclass(frozen=True)
class Found:
    """``path``: attributes that lead from the module to the Dispatcher.  ``declared``: the types of
    its first eager signature."""

    module: str
    path: str
    file: str
    line: int
    declared: list[str] | None


def modules_of(name: str) -> list[str]:
    """The package's modules whose text mentions Numba, tests left out."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        return []
    if not spec.submodule_search_locations:
        return [name]
    root = Path(spec.origin).parent
    found = []
    for file in sorted(root.rglob("*.py")):
        parts = file.relative_to(root).with_suffix("").parts
        if any(p.startswith("test") or p in ("conftest", "__main__", "cuda") for p in parts):
            continue
        text = file.read_text(errors="replace")
        if "jit" in text:
            found.append(".".join((name, *(p for p in parts if p != "__init__"))))
    return found


def dispatchers(module: Any) -> Iterator[tuple[str, CPUDispatcher]]:
    for key, value in list(vars(module).items()):
        if isinstance(value, CPUDispatcher):
            yield key, value
        elif isinstance(value, type) and value.__module__ == module.__name__:
            for name, part in list(vars(value).items()):
                part = getattr(part, "__func__", part)
                if isinstance(part, CPUDispatcher):
                    yield f"{key}.{name}", part


def discover(name: str) -> tuple[list[Found], dict[str, str]]:
    found: dict[Any, Found] = {}
    failed: dict[str, str] = {}
    for module_name in modules_of(name):
        try:
            module = importlib.import_module(module_name)
        except BaseException as error:
            failed[module_name] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
            continue
        for path, dispatcher in dispatchers(module):
            code = dispatcher.py_func.__code__
            key = (code.co_filename, code.co_firstlineno, code.co_name)
            own = dispatcher.py_func.__module__ == module_name
            if own or (key not in found and f"/{name}" in code.co_filename):
                declared = [[str(t) for t in types] for types in dispatcher.overloads][:1]
                place = (code.co_filename, code.co_firstlineno)
                found[key] = Found(module_name, path, *place, declared[0] if declared else None)
    return list(found.values()), failed


def main() -> None:
    sys.setrecursionlimit(3000)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        found, failed = discover(sys.argv[1])
    print(json.dumps({"found": [dataclasses.asdict(f) for f in found], "failed": failed}))


if __name__ == "__main__":
    main()
