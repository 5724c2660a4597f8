"""Derivative rules of scalar functions.  Importing the package fills the table."""

from adcompile.rules import arithmetic, complex, declared, kinked, likelihood, op, smooth

__all__ = ["arithmetic", "complex", "declared", "kinked", "likelihood", "op", "smooth"]
