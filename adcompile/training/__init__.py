"""The loop around epochs, learning curves, files of parameters, the course's baselines."""

from adcompile.training.baselines import (
    check_gradient,
    numerical_descent,
    numerical_gradient,
    random_search,
)
from adcompile.training.curves import plot
from adcompile.training.loop import History, fit
from adcompile.training.saving import load, save

__all__ = [
    "History",
    "check_gradient",
    "fit",
    "load",
    "numerical_descent",
    "numerical_gradient",
    "plot",
    "random_search",
    "save",
]
