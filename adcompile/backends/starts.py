"""Machine code of earlier processes, found without reading source.

A key stands for all that a derivative depends on (``adcompile.reach``).  Under it an index file
names the generated module, and beside the module lies the machine code of its entries.  Numba's own
cache has the code too, for callers that link it; to load it there takes the generated module, its
Dispatchers and their LLVM code.  Here none of these is touched before somebody asks for it.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import pickle
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import llvmlite
import llvmlite.binding as llvm
from numba import _dynfunc
from numba.core import compiler, config, serialize, types
from numba.core.codegen import JITCodeLibrary
from numba.core.environment import Environment, lookup_environment
from numba.core.registry import cpu_target

from adcompile.backends import store
from adcompile.backends.store import Loaded
from adcompile.makers import class_named, give_name
from adcompile.options import Options
from adcompile.reach import Reach, Unknown, is_function
from adcompile.setting import setting

FORMAT = 1
Types = tuple[Any, ...]

_config: Any = config
_JITCodeLibrary: Any = JITCodeLibrary
_SETTINGS = ("OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "BOUNDSCHECK", "LLVM_REFPRUNE_PASS",
             "ENABLE_AVX", "DEBUGINFO_DEFAULT")  # fmt: skip


@dataclass
class Request:
    """What is asked for: one derivative for arguments of certain types.  ``name`` is that of the
    index file; ``types`` stands for the arguments of machine code."""

    name: str
    types: str
    callees: Mapping[str, Any]
    classes: Mapping[str, type]
    index: Mapping[str, Any] | None = None
    directory: Path | None = None
    functions: Mapping[str, Any] | None = None  # what the module calls of the user's, if known

    def fact(self, name: str) -> Any:
        return None if self.index is None else self.index.get(name)


def ask(derivation: Any, argnums: Any, argtypes: Types) -> Request | None:
    """None if something is met that cannot be put into a key, or nothing is to be kept."""
    options = derivation.stated_options
    if not options.cache or _config.DISABLE_JIT or sys.flags.optimize:
        return None
    reach, machine = Reach(), Reach(placed=False)
    try:
        reach.root(derivation.target)
        for kind in argtypes:
            reach.type(kind)
            machine.type(types.none if is_function(kind) else kind)
    except Unknown:
        return None
    reach.parts += (type(derivation).__name__, repr(argnums), str(derivation.has_aux))
    reach.parts += (repr(options), setting())
    codegen = cpu_target.target_context.codegen()
    machine.parts += map(str, codegen.magic_tuple())
    machine.parts += (str(getattr(_config, name, None)) for name in _SETTINGS)
    machine.parts.append(llvmlite.__version__)
    classes = {f"{cls.__module__}.{cls.__qualname__}": cls for cls in reach.classes}
    request = Request(reach.digest()[:32], machine.digest()[:16], reach.callees, classes)
    _find(request)
    return request


def _find(request: Request) -> None:
    for directory in store.candidates():
        try:
            index = json.loads((directory / f"{request.name}.index").read_bytes())
            if index["format"] == FORMAT and index["digest"] == _digest_of(index):
                request.index, request.directory = index, directory
                return
        except (OSError, ValueError, KeyError, TypeError):
            pass


def keep_index(request: Request, facts: Mapping[str, Any]) -> None:
    """``facts``: the fingerprint, the module's file, and what must be known before it is there."""
    index = {"format": FORMAT, **facts}
    index["digest"] = _digest_of(index)
    request.index, request.directory = index, store.cache_directory()
    try:
        text = json.dumps(index, indent=1).encode()
        store.replace_file(request.directory / f"{request.name}.index", text)
    except OSError:
        request.directory = None


def facts(loaded: Loaded, callees: Sequence[str], makers: Mapping[str, type]) -> dict[str, object]:
    """What is to be known of a module without importing it."""
    return {
        "module": loaded.path.stem,
        "size": len(loaded.generated.text.encode("utf-8")),
        "compares": "BroadcastError" in loaded.generated.text,
        "callees": list(callees),
        "makers": {name: f"{cls.__module__}.{cls.__qualname__}" for name, cls in makers.items()},
    }


def functions(request: Request, options: Callable[[], Options]) -> dict[str, Any] | None:
    """What the module calls of the user's, and the classes that it names; None if they cannot be
    found again."""
    callees, makers = request.fact("callees"), request.fact("makers")
    if callees is None or not all(name in request.callees for name in callees):
        return None
    if not all(give_name(name, where, request.classes) for name, where in makers.items()):
        return None
    made: dict[str, Any] = {name: class_named(name) for name in makers}
    if callees:
        from adcompile.clones import namespace

        made.update(namespace([request.callees[name] for name in callees], options()))
    return made


def _digest_of(index: Mapping[str, Any]) -> str:
    content = sorted((name, value) for name, value in index.items() if name != "digest")
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]


# ---------------------------------------------------------------- machine code

_results: dict[tuple[str, str, Types], Any] = {}  # of this process: the engine has each but once


def load(request: Request, kind: str, argtypes: Types) -> Any:
    """Numba's compile result of entry ``kind``; None if there is none."""
    if request.fact("module") is None or request.directory is None:
        return None
    stem = str(request.fact("module"))
    made = _results.get((stem, kind, compiled_for(argtypes)))
    if made is None:
        file = _code_file(request, kind)
        try:
            data = file.read_bytes()
            # Others that link this code need the module.
            if (request.directory / f"{stem}.py").stat().st_size != request.fact("size"):
                return None
        except OSError:
            return None
        try:
            if hashlib.sha256(data[32:]).digest() != data[:32]:
                raise ValueError("damaged")
            made = _rebuilt(pickle.loads(data[32:]))
        except Exception:  # of unpickling: a class that is gone, for one
            _remove(file)
            return None
        _results[stem, kind, compiled_for(argtypes)] = made
    return for_types(made, argtypes)


def _remove(file: Path) -> None:
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)


def known(stem: str, kind: str, argtypes: Types) -> Any:
    """A result that this process has."""
    return _results.get((stem, kind, compiled_for(argtypes)))


def keep(request: Request | None, loaded: Loaded, kind: str, argtypes: Types) -> None:
    """Note the code of an entry, and write it to disk if it is not there."""
    entry = loaded.entry(kind)
    result = entry.overloads.get(compiled_for(argtypes))
    if result is None:
        return
    _results[loaded.path.stem, kind, compiled_for(argtypes)] = result
    if request is None or request.directory is None or result.lifted:
        return
    if result.library.has_dynamic_globals or _code_file(request, kind).exists():
        return
    try:
        cache = entry._cache
        if entry.stats.cache_hits.get(compiled_for(argtypes)):  # its object code is there only
            signature = cache._index_key(compiled_for(argtypes), result.codegen)
            reduced = cache._cache_file.load(signature)
        else:
            reduced = result._reduce()
        rest = serialize.dumps(_portable(reduced))
        store.replace_file(_code_file(request, kind), hashlib.sha256(rest).digest() + rest)
    except (OSError, RuntimeError, TypeError, AttributeError, pickle.PickleError):
        pass  # Numba's cache is there


def _code_file(request: Request, kind: str) -> Path:
    assert request.directory is not None and request.index is not None
    return request.directory / f"{request.index['module']}.{kind}.{request.types}.code"


def compiled_for(argtypes: Types) -> Types:
    return tuple(types.none if is_function(kind) else kind for kind in argtypes)


def for_types(result: Any, argtypes: Types) -> Any:
    """The same code for these types: functions in them are inlined, and never read."""
    if result.signature.args == argtypes:
        return result
    described = copy.copy(result.fndesc)  # as other compiled code calls it
    described.argtypes = argtypes
    result.target_context.insert_user_function(result.entry_point, described, [result.library])
    return result._replace(signature=result.signature.replace(args=argtypes), fndesc=described)


def _portable(reduced: Any) -> tuple[Any, ...]:
    library, described, own, signature, _, _, _, reload_init, others = reduced
    name, kind, (code, bitcode) = library
    assert kind == "object"
    module = llvm.parse_bitcode(bitcode)
    symbols = [
        one.name
        for group in (module.functions, module.global_variables)
        for one in group
        if not one.is_declaration
    ]
    environments = [
        (env.env_name, env.globals["__name__"], list(env.consts))
        for env in (own, *(env for env in others if env is not own))
    ]
    return name, code, bitcode, symbols, described, signature, reload_init, environments


class _StoredLibrary(_JITCodeLibrary):
    """Machine code; its LLVM form is read when another function is linked with it."""

    bitcode: bytes
    _shared_module: Any

    def _get_module_for_linking(self) -> Any:
        if self._shared_module is None:
            self._shared_module = llvm.parse_bitcode(self.bitcode)
        return super()._get_module_for_linking()


def _rebuilt(portable: tuple[Any, ...]) -> Any:
    """As Numba's ``CompileResult._rebuild``, without the generated module."""
    name, code, bitcode, symbols, described, signature, reload_init, environments = portable
    for function in reload_init:
        function()
    context: Any = cpu_target.target_context
    context.refresh()
    codegen = context.codegen()
    library = _StoredLibrary(codegen, name)
    library.bitcode = bitcode
    library.enable_object_caching()
    library._set_compiled_object(code)
    library._finalize_final_module()
    codegen._engine._defined_symbols.update(symbols)
    made = [_environment(*one) for one in environments]
    pointer = library.get_pointer_to_function(described.llvm_cpython_wrapper_name)
    short = described.qualname.rpartition(".")[2]
    module = ModuleType(described.modname)  # for the name of the function alone
    entry_point = _dynfunc.make_function(module, short, "", pointer, made[0], (library,))
    for environment in made:
        codegen.set_env(environment.env_name, environment)
    context.insert_user_function(entry_point, described, [library])
    fields = dict.fromkeys(compiler.CR_FIELDS)
    fields.update(
        typing_context=context.typing_context,
        target_context=context,
        entry_point=entry_point,
        signature=signature,
        objectmode=False,
        lifted=(),
        fndesc=described,
        library=library,
        environment=made[0],
        reload_init=reload_init,
        referenced_envs=tuple(made),
        type_annotation="",
    )
    return compiler.CompileResult(**fields)


def _environment(name: str, module: str, constants: list[Any]) -> Any:
    """Compiled code reads constants of it, and no globals."""
    found = lookup_environment(name)
    if found is None:
        found = Environment({"__name__": module})
        found.consts[:] = constants
        found.env_name = name
        Environment._memo[name] = found
    return found
