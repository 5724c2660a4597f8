"""Forward and adjoint functions are optimised once, inside the entry that calls them.

Numba optimises every function by itself, makes machine code and wrappers of it, links what it has
optimised into each caller and optimises that again.  Nobody but entries calls the functions that do
the work, so their first round is left out: it would be half of the time of a compile.
"""

from __future__ import annotations

from typing import Any

from numba.core import compiler, typed_passes
from numba.core.caching import NullCache
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.registry import CPUDispatcher

_JITCodeLibrary: Any = JITCodeLibrary


_without_environment: list[str] = []  # parts compiled since an entry was


class _PartLibrary(_JITCodeLibrary):
    """Code that is linked into others, as it was lowered."""

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _PartLowering(typed_passes.NativeLowering):
    """Lowering without wrappers and machine code."""

    _name = "adcompile_part_lowering"

    def run_pass(self, state: Any) -> bool:
        name = state.func_id.func_qualname
        state.library = _PartLibrary(state.targetctx.codegen(), name)
        flags = state.flags
        flags.no_compile = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
        super().run_pass(state)
        state.reload_init.extend(state.library._reload_init)
        # What stands for the machine code: a C function, as the Dispatcher wants, that raises when
        # called.  Each is another, by which Numba tells callees apart.
        lowered = state["cr"]
        entry_point = set[object]().pop
        state.targetctx.insert_user_function(entry_point, lowered.fndesc, [state.library])
        state["cr"] = lowered._replace(cfunc=entry_point)
        _without_environment.append(name)
        return True


class _PartCompiler(compiler.CompilerBase):
    def define_pipelines(self) -> list[Any]:
        whole = compiler.DefaultPassBuilder.define_nopython_pipeline(self.state)
        manager = PassManager("adcompile_part")
        manager.passes = [
            (_PartLowering, text) if made is typed_passes.NativeLowering else (made, text)
            for made, text in whole.passes
        ]
        manager.finalize()
        return [manager]


def compile_in_callers(function: Any) -> None:
    """Let this Dispatcher's code be optimised where it is called only."""
    if isinstance(function, CPUDispatcher) and not function.targetoptions.get("parallel"):
        function._compiler.pipeline_class = _PartCompiler
        function._cache = NullCache()


def set_environments(made: Any) -> None:
    """Tell the machine code of an entry, Numba's compile result, where the constants of its parts
    are: exceptions with arguments that are known at run time need them."""
    if _without_environment:
        for environment in made._find_referenced_environments():
            made.library.codegen.set_env(environment.env_name, environment)
        _without_environment.clear()
