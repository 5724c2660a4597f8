"""Derivative rules of scalar functions.  Importing the package fills the table."""

from adcompile.rules import arithmetic, declared, kinked, likelihood, smooth

__all__ = ["arithmetic", "declared", "kinked", "likelihood", "smooth"]
