"""Gradients of whole-array NumPy code, against the other ways to have them.

Everything runs on one thread of one CPU: that is settled here, before NumPy is imported.  With
``ADCOMPILE_BENCH_THREADS=all`` in the environment everybody has the threads that it takes.
"""

import os

ONE_THREAD = os.environ.get("ADCOMPILE_BENCH_THREADS") != "all"
LIMITS = dict.fromkeys((f"{name}_NUM_THREADS" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")), "1")
LIMITS["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
if ONE_THREAD:
    os.environ.update(LIMITS)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_ENABLE_X64"] = "1"
os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"
