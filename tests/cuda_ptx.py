"""``python -m tests.cuda_ptx [name ...]``: every kernel of the CUDA tests as PTX, without a GPU.

Prints, per kernel and compute capability: the size of the PTX, and what it does with memory.
"""

from __future__ import annotations

import re
import sys

from adcompile import grad
from adcompile.cuda.kernels import adjoint
from tests.cuda_programs import CASES
from tests.test_cuda_kernels import CASES as KERNELS

CAPABILITIES = ((7, 5), (8, 0), (9, 0))


def main(wanted: list[str]) -> None:
    known = [(c.name, grad(c.program, c.argnums, target="cuda"), c.args) for c in CASES]
    known += [(c.name, adjoint(c.kernel), c.args) for c in KERNELS]
    for title, derivative, args in known:
        if wanted and title not in wanted:
            continue
        for cc in CAPABILITIES:
            for name, ptx in derivative.ptx(*args, cc=cc).items():
                assert f".target sm_{cc[0]}{cc[1]}" in ptx
                atomics = len(re.findall(r"\b(?:atom|red)\.global\.", ptx))
                local = sum(map(int, re.findall(r"\.local .*\[(\d+)\]", ptx)))
                print(f"{name} sm_{cc[0]}{cc[1]}: {len(ptx)} bytes, {atomics} atomics, "
                      f"{local} bytes of local memory")  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
