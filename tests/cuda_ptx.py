"""``python -m tests.cuda_ptx [--some] [name ...]``: kernels as PTX, without a GPU: of the CUDA
tests, of the benchmark, and those that generated modules call.

Prints what the assembler makes of each for three compute capabilities; with ``--some`` for one of
the three in turn, and a few for all.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np

from adcompile import grad, value_and_grad
from adcompile.cuda import elementwise, products
from adcompile.cuda.api import type_of_argument
from adcompile.cuda.kernels import adjoint
from adcompile.cuda.ptx import Resources, compile_one, resources
from benchmarks.gpu import black_scholes, heat, heston, mlp, n_body, sums
from tests.cuda_kernels import CASES as KERNELS
from tests.cuda_patterns import CASES as PATTERNS
from tests.cuda_programs import CASES
from tests.cuda_shared import CASES as SHARED
from tests.cuda_textbook import CASES as TEXTBOOK

CAPABILITIES = ((7, 5), (8, 0), (9, 0))
V, M, C = np.zeros(1), np.zeros((1, 1)), np.zeros((1, 1, 1))
V4, M4, LABELS = V.astype(np.float32), M.astype(np.float32), np.zeros(1, np.int64)

EVERYWHERE = {"n_body", "squared", "gather", "tree"}
WRITTEN_ONES = "written"  # their name, as a whole
# (kernel, arguments)
WRITTEN = [
    *((k, (V, V)) for k in (elementwise._add, elementwise._assign, elementwise._move)),
    *((k, (V, 0.0)) for k in (elementwise._add_number, elementwise._fill)),
    (products._kernel(np.float64), (M, M, M, False, True, True)),
    (products._kernel(np.float32), (M4, M4, M4, False, True, True)),
    (sums._fill, (V, 0.0)),
    (black_scholes._greeks, (V, V, V, 0.1, 0.1, V, V, V, V)),
    (n_body._forces, (M, V, 0.1, 1, M, V, V)),
    (heston._paths, (M, M, *[0.1] * 4, M, V)),
    (heat._step, (C, C)),
    (heat._back, (C, C, C)),
    (heat._copy, (V, V, V)),
    (heat._squares, (V, 1, V, V, V, V)),
    (heat._join, (V, V)),
    (mlp._descend, (V4, V4, np.float32(0.1))),
    (mlp._activate, (M4, V4)),
    (mlp._through_tanh, (M4, M4)),
    (mlp._softmax, (M4, V4, LABELS, V)),
    (mlp._columns, (M4, V4)),
]


def derived() -> Iterator[tuple[str, Any, Any]]:
    for case in CASES:
        yield case.name, grad(case.program, case.argnums, target="cuda"), case.args
    for one in (*KERNELS, *SHARED, *TEXTBOOK, *PATTERNS):
        yield one.name, adjoint(one.kernel), one.args
    for module in (black_scholes, n_body, heston, heat, mlp):
        w = module.WORKLOAD
        name = f"benchmark_{module.__name__.rpartition('.')[2]}"
        yield name, value_and_grad(w.function, w.argnums, target="cuda"), w.inputs(True)


def names() -> list[str]:
    """What can be asked for."""
    return [*(title for title, _, _ in derived()), WRITTEN_ONES]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *names()], metavar="name")
    parser.add_argument("--some", action="store_true")
    chosen = parser.parse_args()
    wanted = chosen.names or names()
    devices = "one of them" if chosen.some else ", ".join(f"sm_{a}{b}" for a, b in CAPABILITIES)
    print(f"| kernel | registers ({devices}) | stack, bytes | spilled, bytes | atomics |")
    print("| --- | --- | --- | --- | --- |")
    for k, (title, derivative, args) in enumerate(derived()):
        if title not in wanted:
            continue
        found: dict[str, list[Resources]] = {}
        one = chosen.some and title not in EVERYWHERE
        for cc in CAPABILITIES[k % 3 :][:1] if one else CAPABILITIES:
            for name, ptx in derivative.ptx(*args, cc=cc).items():
                assert f".target sm_{cc[0]}{cc[1]}" in ptx
                found.setdefault(name, []).append(resources(ptx, cc))
        for name, all_of in found.items():
            show(title, name, all_of)
    if WRITTEN_ONES in wanted:
        show_written(CAPABILITIES[:1] if chosen.some else CAPABILITIES)


def show_written(capabilities: tuple[tuple[int, int], ...]) -> None:
    for kernel, args in WRITTEN:
        types = tuple(map(type_of_argument, args))
        made = [resources(compile_one(kernel.py_func, types, cc), cc) for cc in capabilities]
        package, _, module = kernel.py_func.__module__.rpartition(".")
        whose = "by hand" if package.startswith("benchmarks") else "runtime"
        show(f"{whose}, {module}", kernel.py_func.__name__, made)


def show(title: str, name: str, all_of: list[Resources]) -> None:
    columns = ([r.registers for r in all_of], [r.stack for r in all_of])
    columns += ([r.spilled for r in all_of], [r.atomics for r in all_of])
    shown = (", ".join(map(str, c)) if len(set(c)) > 1 else str(c[0]) for c in columns)
    print(f"| {title}: `{name}` | {' | '.join(shown)} |", flush=True)


if __name__ == "__main__":
    main()
