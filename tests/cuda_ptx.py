"""``python -m tests.cuda_ptx [name ...]``: every kernel of the CUDA tests as PTX, without a GPU.

Prints what the assembler makes of each for three compute capabilities.
"""

from __future__ import annotations

import sys

from adcompile import grad
from adcompile.cuda.kernels import adjoint
from adcompile.cuda.ptx import Resources, resources
from tests.cuda_kernels import CASES as KERNELS
from tests.cuda_programs import CASES
from tests.cuda_shared import CASES as SHARED

CAPABILITIES = ((7, 5), (8, 0), (9, 0))


def main(wanted: list[str]) -> None:
    known = [(c.name, grad(c.program, c.argnums, target="cuda"), c.args) for c in CASES]
    known += [(c.name, adjoint(c.kernel), c.args) for c in (*KERNELS, *SHARED)]
    names = ", ".join(f"sm_{a}{b}" for a, b in CAPABILITIES)
    print(f"| kernel | registers ({names}) | stack, bytes | spilled, bytes | atomics |")
    print("| --- | --- | --- | --- | --- |")
    for title, derivative, args in known:
        if wanted and title not in wanted:
            continue
        found: dict[str, list[Resources]] = {}
        for cc in CAPABILITIES:
            for name, ptx in derivative.ptx(*args, cc=cc).items():
                assert f".target sm_{cc[0]}{cc[1]}" in ptx
                found.setdefault(name, []).append(resources(ptx, cc))
        for name, all_of in found.items():
            columns = ([r.registers for r in all_of], [r.stack for r in all_of])
            columns += ([r.spilled for r in all_of], [r.atomics for r in all_of])
            shown = (", ".join(map(str, c)) if len(set(c)) > 1 else str(c[0]) for c in columns)
            print(f"| `{name}` | {' | '.join(shown)} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
