"""Programs over the constructs of Python and Numba, and what becomes of each.

`python -m tests.constructs` compiles every one and compares; `--write` writes docs/constructs.md.
"""
