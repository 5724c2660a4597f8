"""Rows of functions that belong to complex numbers.

For a real result f of z = x + iy the partial is df/dx - i df/dy, so that df = Re(partial dz).
"""

from __future__ import annotations

from adcompile.rules import op
from adcompile.rules.registry import partials

partials("real", ["np.real"], lambda ans, x: 1.0, at=[0.3, -1.1], holomorphic=True)
partials("imag", ["np.imag"], lambda ans, x: None, at=[0.3, -1.1], on_complex=lambda ans, x: -1j)
partials(
    "conj",
    ["np.conjugate"],
    lambda ans, x: 1.0,
    at=[0.3, -1.1],
    holomorphic=True,
    conjugates=True,
)
# The imaginary part of log z.  A real number keeps its angle but at 0.
partials(
    "angle",
    ["np.angle", "cmath.phase"],
    lambda ans, x: None,
    at=[0.3, -1.1],
    on_complex=lambda ans, x: -1j / op.as_complex(x),
)
partials(
    "abs2",
    ["rt.abs2"],
    lambda ans, x: 2.0 * x,
    at=[0.3, -1.1],
    on_complex=lambda ans, x: 2.0 * op.conj(x),
)

# These make complex numbers out of real ones.
partials(
    "complex",
    ["complex", "np.complex128", "np.complex64"],
    lambda ans, x: 1.0,
    at=[0.3, -1.1],
    holomorphic=True,
)
partials(
    "complex2",  # complex with two arguments
    ["complex2"],
    lambda ans, a, b: (1.0, 1j),
    at=[(0.3, -1.1)],
    holomorphic=True,
)
partials(
    "rect",
    ["cmath.rect"],
    lambda ans, r, angle: (op.cosine_and_sine(angle), 1j * ans),
    at=[(0.3, -1.1)],
    holomorphic=True,
)
