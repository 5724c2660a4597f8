"""The package that compiles kernels: numba-cuda, which has a simulator, or its successor.

``ADCOMPILE_CUDA_PACKAGE=numba_cuda_mlir`` in the environment chooses numba-cuda-mlir.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

from numba.core import types as nt

from adcompile.errors import AdcompileError

SUCCESSOR = "numba_cuda_mlir"
NAME = os.environ.get("ADCOMPILE_CUDA_PACKAGE", "numba")
if NAME not in ("numba", SUCCESSOR):
    raise AdcompileError(f"ADCOMPILE_CUDA_PACKAGE={NAME}: numba and {SUCCESSOR} are known")
SIMULATED = False
try:
    cuda: Any = importlib.import_module(f"{NAME}.cuda")
    if NAME == "numba":
        SIMULATED = bool(importlib.import_module("numba.cuda.core.config").ENABLE_CUDASIM)
except ImportError as error:
    wanted = {"numba": "numba-cuda[cu13]", SUCCESSOR: "numba-cuda-mlir[cu13]"}[NAME]
    raise AdcompileError(f"target='cuda' needs {wanted}: {error}") from error


def own_type(kind: nt.Type) -> Any:
    """Numba's type as the package's."""
    if NAME == "numba":
        return kind
    types = importlib.import_module(f"{NAME}.types")
    if isinstance(kind, nt.Array):
        return types.Array(own_type(kind.dtype), kind.ndim, kind.layout)
    return getattr(types, str(kind))
