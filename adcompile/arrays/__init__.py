"""See adcompile/README.md for what this stage does."""
