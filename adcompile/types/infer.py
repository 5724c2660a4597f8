"""Types of the variables of one function, from Numba's own inference.

Only the untyped passes and type inference run: nothing is lowered, no machine code is made.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from numba.core import compiler, errors, ir
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import AnalysisPass, PassManager, register_pass
from numba.core.registry import cpu_target
from numba.core.typed_passes import NopythonTypeInference
from numba.core.types import Type, unliteral
from numba.core.untyped_passes import DeadBranchPrune, LiteralPropagationSubPipelinePass

FILENAME = "<adcompile inference>"


_DETAILS = re.compile(
    r"\n\s*(?:There are \d+ candidate|During: |raised from |File \")|,? defined at <"
)
_SPECIFIC = re.compile(r"raised a specific error:\s*(?:\w+: )?(.+)")


def _gist(message: str) -> str:
    """What Numba says, without the list of all that it tried and where it was in our text."""
    first = " ".join(_DETAILS.split(message, maxsplit=1)[0].split())
    reasons = _SPECIFIC.findall(message)
    return "; ".join((first, *reasons[-1:]))


class InferenceFailed(Exception):
    """Numba found no types; ``line`` is 1-based in the text, or None where unknown."""

    def __init__(self, message: str, line: int | None = None) -> None:
        self.message, self.line = _gist(message), line
        super().__init__(self.message)


@dataclass(frozen=True)
class Inferred:
    """``types``: one type per source name; ``sites``: by (line of the definition, name)."""

    types: dict[str, Type]
    sites: dict[tuple[int, str], Type]
    returns: Type


class _Captured(Exception):
    """Carries the typed program out of Numba's pipeline."""

    def __init__(self, state: Any) -> None:
        self.state = state


@register_pass(mutates_CFG=False, analysis_only=True)
class _StopHere(AnalysisPass):
    _name = "adcompile_stop"

    def __init__(self) -> None:
        AnalysisPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        raise _Captured(state)


class _TypingPipeline(compiler.CompilerBase):
    def define_pipelines(self) -> list[PassManager]:
        untyped = compiler.DefaultPassBuilder.define_untyped_pipeline(self.state)
        manager = PassManager("adcompile_typing")
        # Literal propagation serves literal_unroll, which generated text never has; pruned
        # branches would leave variables without a type.
        skipped = (LiteralPropagationSubPipelinePass, DeadBranchPrune)
        manager.passes.extend(p for p in untyped.passes if p[0] not in skipped)
        manager.add_pass(NopythonTypeInference, "nopython frontend")
        manager.add_pass(_StopHere, "hand the types over")
        manager.finalize()
        return [manager]


def infer(
    text: str, name: str, namespace: Mapping[str, object], argtypes: tuple[Type, ...]
) -> tuple[dict[str, Type], Type]:
    """The type of each variable of function ``name`` in ``text``, and the return type.

    A variable that Numba split into versions has their unified type; one that Numba's dead-branch
    pruning removed is missing.
    """
    found = infer_sites(text, name, namespace, argtypes)
    return found.types, found.returns


def infer_sites(
    text: str,
    name: str,
    namespace: Mapping[str, object],
    argtypes: tuple[Type, ...],
    lenient: bool = False,
) -> Inferred:
    """As ``infer``, with the type at each definition besides.  ``lenient``: without the variables
    whose versions have no one type."""
    scope = dict(namespace)
    exec(compile(text, FILENAME, "exec"), scope)
    with global_compiler_lock:
        return _read(_typed_state(scope[name], argtypes), lenient)


def infer_function(func: object, argtypes: tuple[Type, ...]) -> Type:
    """The type that ``func`` returns."""
    with global_compiler_lock:
        return unliteral(_typed_state(func, argtypes).return_type)


def _typed_state(func: object, argtypes: tuple[Type, ...]) -> Any:
    typing, target = cpu_target.typing_context, cpu_target.target_context
    typing.refresh()  # overloads registered since the last compile
    target.refresh()
    flags: Any = compiler.Flags()
    flags.enable_pyobject = False
    flags.nrt = True
    try:
        with warnings.catch_warnings():
            # Advice on the user's code is given when it is compiled, not by an inference run.
            warnings.simplefilter("ignore", errors.NumbaWarning)
            compiler.compile_extra(
                typing, target, func, argtypes, None, flags, {}, pipeline_class=_TypingPipeline
            )
    except _Captured as captured:
        # The traceback would keep every frame of the pipeline alive.
        return captured.with_traceback(None).state
    except errors.NumbaError as error:
        raise InferenceFailed(_plain(str(error)), _line_of(error)) from error
    except Exception as error:  # Numba answers a few malformed programs with an assertion
        raise InferenceFailed(f"Numba's inference broke: {error!r}") from error
    raise AssertionError("Numba's pipeline ran past type inference")


def _read(state: Any, lenient: bool = False) -> Inferred:
    versions: dict[str, list[Type]] = {}
    for variable, kind in state.typemap.items():
        base = variable.split(".")[0]
        if base and base.isidentifier() and not variable.startswith("arg."):
            versions.setdefault(base, []).append(unliteral(kind))
    merged: dict[str, Type] = {}
    for base, kinds in versions.items():
        try:
            merged[base] = _merge(base, kinds)
        except InferenceFailed:
            if not lenient:
                raise
    if lenient:
        return Inferred(merged, {}, unliteral(state.return_type))
    sites: dict[tuple[int, str], list[Type]] = {}
    for block in state.func_ir.blocks.values():
        for statement in block.find_insts(ir.Assign):
            base = statement.target.name.split(".")[0]
            if base in merged and not _is_phi(statement.value, base):
                kind = unliteral(state.typemap[statement.target.name])
                sites.setdefault((statement.loc.line, base), []).append(kind)
    at = {site: _merge(site[1], kinds) for site, kinds in sites.items()}
    return Inferred(merged, at, unliteral(state.return_type))


def _is_phi(value: object, base: str) -> bool:
    """Joins of versions have the line of the join, which is no definition in the text."""
    if isinstance(value, ir.Var):
        return bool(value.name.split(".")[0] == base)
    return isinstance(value, ir.Expr) and value.op == "phi"


def _merge(name: str, kinds: Iterable[Any]) -> Any:
    """The one type of all versions; ``undefined`` ones come from Numba's phis and do not count."""
    known = [kind for kind in dict.fromkeys(kinds) if kind.is_precise()]
    if len(known) == 1:
        return known[0]
    unified = cpu_target.typing_context.unify_types(*known) if known else None
    if unified is None:
        raise InferenceFailed(f"no one type for '{name}': {', '.join(map(str, known)) or 'none'}")
    return unliteral(unified)


def _plain(message: str) -> str:
    """Numba's message without colours, without its source excerpt (there is no file)."""
    noise = re.compile(r'Failed in |During: Pass|File "' + re.escape(FILENAME) + "|<source missing")
    text = re.sub(r"\x1b\[[0-9;]*m", "", message)
    return "\n".join(line for line in text.splitlines() if line and not noise.match(line))


def _line_of(error: errors.NumbaError) -> int | None:
    # The last mention is the innermost: the others only say where typing was under way.
    lines = re.findall(re.escape(FILENAME) + r'"?,? (?:line )?\(?(\d+)\)?', str(error))
    if lines:
        return int(lines[-1])
    loc = getattr(error, "loc", None)
    return loc.line if loc is not None and loc.filename == FILENAME else None
