"""``python -m tests.cuda_ptx [name ...]``: every kernel of the CUDA tests as PTX, without a GPU.

Prints, per kernel and compute capability: the size of the PTX, and what it does with memory.
"""

from __future__ import annotations

import re
import sys

from adcompile import grad
from tests.cuda_programs import CASES

CAPABILITIES = ((7, 5), (8, 0), (9, 0))


def main(wanted: list[str]) -> None:
    for case in CASES:
        if wanted and case.name not in wanted:
            continue
        derivative = grad(case.program, case.argnums, target="cuda")
        for cc in CAPABILITIES:
            for name, ptx in derivative.ptx(*case.args, cc=cc).items():
                assert f".target sm_{cc[0]}{cc[1]}" in ptx
                atomics = len(re.findall(r"\b(?:atom|red)\.global\.", ptx))
                local = sum(map(int, re.findall(r"\.local .*\[(\d+)\]", ptx)))
                print(f"{name} sm_{cc[0]}{cc[1]}: {len(ptx)} bytes, {atomics} atomics, "
                      f"{local} bytes of local memory")  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
