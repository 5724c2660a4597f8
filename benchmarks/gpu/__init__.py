"""Gradients on a GPU: ours, an adjoint by hand in numba.cuda, JAX, PyTorch and Warp."""
