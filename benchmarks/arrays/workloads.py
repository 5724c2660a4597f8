"""The workloads, by name."""

from benchmarks.arrays import (
    black_scholes,
    convolution,
    gaussian_process,
    gmm,
    log_sum_exp,
    mlp,
)
from benchmarks.arrays.workload import Workload

WORKLOADS: dict[str, Workload] = {
    "black_scholes": black_scholes.WORKLOAD,
    "log_sum_exp": log_sum_exp.WORKLOAD,
    "mlp": mlp.WORKLOAD,
    "gmm": gmm.WORKLOAD,
    "gaussian_process": gaussian_process.WORKLOAD,
    "convolution": convolution.WORKLOAD,
}
