"""All workloads, by name."""

from benchmarks.arrays.workload import Workload
from benchmarks.arrays.workloads import WORKLOADS as ARRAYS
from benchmarks.loops import (
    bundle_adjustment,
    bundle_jacobian,
    garch,
    heat,
    jacobians,
    kepler,
    lotka_volterra,
    lstm,
    n_body,
    pendulums,
    rosenbrock,
    seidel,
    stencils,
)

WORKLOADS: dict[str, Workload] = {
    "lotka_volterra": lotka_volterra.WORKLOAD,
    "gmm": ARRAYS["gmm"],
    "ba_jacobian": bundle_jacobian.JACOBIAN,
    "ba_gradient": bundle_adjustment.GRADIENT,
    "lstm": lstm.WORKLOAD,
    "mlp": ARRAYS["mlp"],
    "black_scholes": ARRAYS["black_scholes"],
    "jacobi_2d": stencils.JACOBI,
    "seidel_2d": seidel.SEIDEL,
    "diffusion": stencils.DIFFUSION,
    "heat_3d": heat.WORKLOAD,
    "rosenbrock": rosenbrock.WORKLOAD,
    "kepler": kepler.WORKLOAD,
    "n_body": n_body.WORKLOAD,
    "garch": garch.WORKLOAD,
    "pendulums": pendulums.WORKLOAD,
    "jacobian_forward": jacobians.FORWARD,
    "jacobian_reverse": jacobians.REVERSE,
    **{k: v for k, v in ARRAYS.items() if k not in ("gmm", "mlp", "black_scholes")},
}
