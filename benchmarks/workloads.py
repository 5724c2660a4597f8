"""All workloads, by name."""

from benchmarks.arrays.workload import Workload
from benchmarks.arrays.workloads import WORKLOADS as ARRAYS
from benchmarks.loops import garch, kepler, lotka_volterra, n_body, rosenbrock, stencils

WORKLOADS: dict[str, Workload] = {
    "lotka_volterra": lotka_volterra.WORKLOAD,
    "jacobi_2d": stencils.JACOBI,
    "seidel_2d": stencils.SEIDEL,
    "diffusion": stencils.DIFFUSION,
    "rosenbrock": rosenbrock.WORKLOAD,
    "kepler": kepler.WORKLOAD,
    "n_body": n_body.WORKLOAD,
    "garch": garch.WORKLOAD,
    **ARRAYS,
}
