"""Programs with complex numbers that test_complex.py runs: loops with a result that is real, and
expressions over whole arrays."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Any

import numpy as np

Arguments = Callable[[np.random.Generator], tuple[Any, ...]]
LOOPS: list[tuple[Callable[..., Any], Arguments]] = []


def program(arguments: Arguments) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def enter(f: Callable[..., Any]) -> Callable[..., Any]:
        LOOPS.append((f, arguments))
        return f

    return enter


def cvec(rng: np.random.Generator, *shape: int) -> Any:
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


# ---------------------------------------------------------------- loops


@program(lambda rng: (0.4 + 0.55j, 0.9 + 0.1j))
def mandelbrot(c: complex, power: complex) -> float:
    """The smooth number of iterations."""
    z = 0j
    n = 0
    while abs(z) < 20.0 and n < 60:
        z = power * z * z + c + 0.3
        n += 1
    return n + 1 - math.log(math.log(abs(z))) / math.log(2.0)


@program(lambda rng: (cvec(rng, 7), rng.normal(size=7), 0.03))
def schroedinger(psi: Any, potential: Any, dt: float) -> float:
    """Steps of a wave function, two arrays taking turns."""
    following = np.zeros(psi.size, dtype=np.complex128)
    for _ in range(4):
        for i in range(psi.size):
            curvature = psi[i - 1] - 2.0 * psi[i] + psi[(i + 1) % psi.size]
            following[i] = psi[i] - 1j * dt * (potential[i] * psi[i] - 0.5 * curvature)
        psi, following = following, psi
    mean = 0.0
    norm = 0.0
    for i in range(psi.size):
        weight = abs(psi[i]) ** 2
        mean += i * weight
        norm += weight
    return mean / norm + psi[2].real * psi[3].imag


@program(lambda rng: (2.2, 0.8, 0.35, np.linspace(0.5, 3.0, 6), rng.uniform(0.1, 1.0, 6)))
def transfer(r: float, inductance: float, c: float, w: Any, data: Any) -> float:
    """The power that a resonant circuit passes, against data."""
    total = 0.0
    for k in range(w.size):
        impedance = r + 1j * w[k] * inductance + 1 / (1j * w[k] * c)
        h = r / impedance
        total += (abs(h) ** 2 - data[k]) ** 2 + 0.1 * cmath.phase(h)
    return total


@program(lambda rng: (cvec(rng, 6), rng.normal(size=6)))
def fourier(x: Any, weight: Any) -> float:
    n = x.size
    total = 0.0
    for k in range(n):
        s = 0.0
        for j in range(n):
            s += x[j] * cmath.exp(-2j * math.pi * k * j / n)
        total += weight[k] * (s.real * s.real + s.imag * s.imag)
    return total


@program(lambda rng: (np.array([0.7 - 0.2j, 1.1 + 0.4j, -0.3 + 0.9j, 1.0 + 0.1j]), 0.9 + 1.1j))
def newton(coefficients: Any, z: complex) -> float:
    """Newton's method for a root of a polynomial, by Horner's scheme."""
    for _ in range(5):
        p = 0j
        slope = 0j
        for k in range(coefficients.size - 1, -1, -1):
            slope = slope * z + p
            p = p * z + coefficients[k]
        z -= p / slope
        if abs(p) < 1e-3:
            break
    return abs(z - 0.3) + z.imag * z.real


@program(lambda rng: (0.4 - 0.7j, 1.3, -0.6))
def functions(z: complex, x: float, y: float) -> float:
    a = cmath.sin(z) * cmath.cosh(z) - cmath.tan(z) / cmath.exp(z)
    b = cmath.sqrt(z) + cmath.log(z + x) * cmath.log10(z) + cmath.atan(z) * cmath.tanh(z)
    c = cmath.asin(z) + cmath.acos(z) * cmath.asinh(z) - cmath.acosh(z) * cmath.atanh(z)
    d = np.exp(z) * np.log1p(z) + np.sqrt(z) * np.square(z) + np.reciprocal(z) + np.expm1(z)
    e = np.cos(z) + np.sinh(z) * np.arctan(z) + np.log2(z) + np.exp2(z) - np.log10(z)
    f = cmath.sqrt(y) * cmath.log(y) + cmath.acos(x) + cmath.rect(x, y) + complex(y, x)
    return (a * b).real + (c * d).imag + abs(e) ** 2 + np.angle(f) + (f * f.conjugate() * a).real


@program(lambda rng: (0.9 + 0.4j, -0.8, 1.2 - 0.3j, 3))
def powers(z: complex, x: float, p: complex, n: int) -> float:
    a = z**2 + z**-1.5 + z**n + z**p + x**p + 2.0**z + pow(z, 3) + np.power(z, 0.5)
    return a.real * a.imag + abs(x) ** 2.5


@program(lambda rng: (cvec(rng, 5), rng.normal(size=5)))
def polar(z: Any, turn: Any) -> float:
    total = 0.0
    for i in range(z.size):
        r, phi = cmath.polar(z[i])
        moved = cmath.rect(r * r, phi + turn[i])
        total += np.real(moved) * np.imag(z[i]) + np.conj(moved).imag * np.abs(z[i])
        if moved.real > 0:
            total += r * phi
    return total


@program(lambda rng: (0.7, cvec(rng, 4), 0.3 - 0.4j))
def mixed(x: float, z: Any, c: complex) -> float:
    """Real values that become complex, in variables, branches, loops and arrays."""
    s = x
    u = np.zeros(4, dtype=np.complex128)
    v = np.full(4, x, dtype=np.complex128)
    for i in range(z.size):
        if z[i].real > 0:
            s = s * z[i]
        else:
            s = s + x
        u[i] = x * i
        u[i] += x * x
        u[i] -= abs(z[i])
        v[i] *= s
        y = x * x if i > 1 else z[i] * x
        u[i] += y
    t = 1.0 if abs(s) > 1e9 else c
    w = u * v
    w[1:3] = x
    return (s * s).real + abs(u[1] * u[2] + v[3]) + (t * x * w[2] * w[0]).imag


@program(lambda rng: (cvec(rng, 5), rng.normal(size=5), 0.2 + 0.1j))
def copies(z: Any, r: Any, c: complex) -> float:
    """Slices and copies between arrays of real and complex numbers."""
    a = np.empty_like(z)
    a[:] = r
    a[1:4] *= c
    b = a.copy()
    for k in range(3):
        b = b.copy()
        b[k] = b[k + 1] * b[k] + c
    a[::2] = z[::2]
    row = a[1:]
    row[0] = row[1] * z[0]
    total = 0.0
    for i in range(a.size):
        total += (a[i] * b[i]).real + abs(b[i]) ** 2
    return total


@program(lambda rng: ((0.5 + 0.2j, 1.3, cvec(rng, 3)), 0.4))
def tuples(given: Any, x: float) -> float:
    c, scale, z = given
    pair = (c * scale, x)
    for i in range(z.size):
        pair = (pair[0] * z[i] + pair[1], pair[1] * abs(pair[0]))
    return pair[0].imag * pair[1]


@program(lambda rng: (cvec(rng, 8), 0.6, 0.2 - 0.5j))
def recursive_filter(x: Any, gain: float, pole: complex) -> float:
    """Stored complex and real values in one loop, with a loss inside."""
    state = 0j
    level = 1.0
    total = 0.0
    for n in range(x.size):
        state = pole * state * level + x[n]
        level = 0.5 * level + gain * abs(state)
        total += level * state.real + math.log(level) * state.imag
        if total > 1e3:
            return total
    return total


@program(lambda rng: (0.3 + 0.8j,))
def kinks(z: complex) -> float:
    """Branches on real and imaginary parts; equality; truth."""
    w = z * z
    if w == z or not w:
        return 0.0
    if w.imag > w.real:
        w = w.conjugate() * 2j
    return (w * w).real if w.real < 0 else abs(w)


@program(lambda rng: (cvec(rng, 4), 3))
def parts(z: Any, n: int) -> float:
    """Parts of an array see later writes."""
    r = z.real
    tail = z.imag[1:]
    total = 0.0
    for k in range(n):
        z[k] = z[k] * z[k - 1]
        total += np.sum(z.real**2) * r[0] + z.imag[k] * tail[k]
    before = z.real.copy()
    z[0] = 1j * z[1]
    return total + np.sum(before * z.imag)


# ---------------------------------------------------------------- whole arrays

# z, w: complex vectors; x: a real one; a, b: complex matrices; m: a real one; c: a complex number
EXPRESSIONS = """
np.sum(np.abs(z)**2*x)
np.sum(np.abs(z*w+x))
np.sum((z*w).real)*np.sum(z.imag)
np.sum(np.real(z)*np.imag(w))
np.sum(np.angle(z)*x)
np.sum(np.abs(np.exp(1j*x)*z+w))
np.abs(np.sum(z*np.exp(1j*x)))
np.sum(np.conj(z)*w).real
np.sum(z.conj()*w*x).imag
np.vdot(z,w).real
np.abs(np.dot(z,w))
np.abs(np.dot(z,x+0j))
np.sum(np.abs(a@b)**2)
np.sum(np.real((a@b)*(b.T@a.T).T))
np.sum(np.abs(a@w[:4]))
np.sum(np.abs(x[:3]@a))
np.sum(np.abs(a@m.T)**2)
np.sum(np.abs(np.outer(z,np.conj(z)))**2)
np.abs(np.trace(a@b))
np.sum(np.abs(a.sum(axis=0))**2)
np.abs(np.mean(z)*np.prod(w))
np.var(z)+np.std(w)*np.sum(x)
np.sum(np.var(a,axis=1))
np.linalg.norm(z-w)
np.linalg.norm(a)
np.sum(np.abs(np.where(x>0,z,w)))
np.sum(np.abs(np.where(x>0,z,x)))
np.sum(np.abs(np.where(np.abs(z)>1,z*z,0)))
np.sum(np.abs(z[1:]*z[:-1]))
np.sum(np.abs(z[::-1]+c*x))
np.sum(np.abs(z[:,None]*x[None,:]+w))
np.sum(np.abs(np.cumsum(z))*x)
np.sum(np.abs(np.cumprod(z)))
np.sum(np.abs(np.diff(z))**2)
np.abs(np.trapezoid(z,x))
np.sum(np.abs(np.concatenate((z,x)))**3)
np.sum(np.abs(np.array([c,z[0]*x[1],1.0]))**2)
np.sum(np.abs(np.einsum('ij,jk->ik',a,b))**2)
np.sum(np.abs(np.kron(a,m)))
np.sum(np.abs(np.convolve(z,w)))
np.sum(np.abs(np.convolve(x,w[:3])))
np.sum(np.abs(np.sqrt(z)+np.log(w)*np.sin(z)/np.cosh(w)))
np.sum(np.abs(z**2+w**-0.5+z**x+c**x))
np.sum(np.abs(x**c+2.0**z+z**c)**2*(x>0))
np.sum(np.abs(z/w-x/z)+np.abs(z/x))
np.sum(np.abs((z*2j-1)/(w+3)))
np.sum(np.abs(-z+1j))
np.sum(np.abs(a.T)*np.abs(b))
np.sum(np.abs(np.roll(z,2)*w))
np.sum(np.abs(z[[0,2,2,-1]])**2)
np.sum(np.abs(z[np.abs(z)>0.8])**2)
np.sum(np.abs(np.stack((z,w))[0]*x))
np.sum(np.abs(z.reshape(2,3)[1]*w[:3]))
np.sum(np.abs(np.linalg.solve(a[:,:3],w[:3])))
np.sum(np.abs(np.linalg.inv(a[:,:3]))**2)
np.abs(np.linalg.det(a[:,1:]))
np.sum(np.abs(np.linalg.solve(a[:,:3],b[:3])))
np.sum(np.square(z).real*x)
np.sum(np.abs(np.tanh(z)+np.arctan(w)))
np.sum(np.abs(z.astype(np.complex128)*x.astype(np.complex128)))
np.sum(np.abs(np.eye(6)@z))
np.sum(np.abs(np.linspace(0.,1.,6)*z))
np.sum(np.abs(np.cross(z[:3],w[:3])))
np.sum((x*z).imag*(z*w.conjugate()).real)
np.sum(np.abs(a.conj().T@a)**2)
np.sum(np.real(z.conj()@w))
np.abs(np.exp(-1j*np.outer(x,x))@z).max()
np.sum(np.abs(np.exp(-2j*np.pi*np.outer(np.arange(6),np.arange(6))/6)@z)**2*x)
np.sum(np.sort(np.abs(z))*x)
np.sum(np.abs(z)**2*np.exp(1j*np.angle(w))).real
np.real(np.einsum('i,i->',z.conj(),w))
np.sum(np.abs(np.array([[c,1j],[x[0],z[1]]]))**2)
np.sum(np.abs(np.tril(a))*m)+np.sum(np.abs(np.repeat(z,2)))
np.linalg.norm(z,ord=1)+np.linalg.norm(a,axis=1).sum()
np.mean(np.abs(a)**2,axis=0).sum()
np.sum(np.abs(np.full(6,c)*x+np.ones_like(z)*z))
np.sum(np.abs(np.broadcast_to(c*z,(3,6))*np.arange(3)[:,None]))
np.sum(np.abs(np.max(x)*z-np.mean(z))**2)
np.sum(x[(z.real>w.imag)]**2)+np.sum(np.abs(np.clip(z.real,-0.5,0.5)+1j*z.imag))
""".strip().split("\n")


def arrays(seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "z": cvec(rng, 6),
        "w": cvec(rng, 6),
        "x": rng.normal(size=6),
        "a": cvec(rng, 3, 4),
        "b": cvec(rng, 4, 3),
        "m": rng.normal(size=(3, 4)),
        "c": complex(cvec(rng)),
    }
