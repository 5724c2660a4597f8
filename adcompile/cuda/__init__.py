"""Derivatives on the GPU, through numba.cuda, which is imported only by what runs there."""
