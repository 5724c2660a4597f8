"""Programs of a few array statements, for test_array_functions.py.

The names are those of array_table.py.
"""

from __future__ import annotations

STATEMENTS = """
z = x.copy()
z[1:][x[1:] < 0] = 2.0
return np.sum(z**2)

z = x * 2
z[x > 0] = y[x > 0]
return np.sum(z**2)

z = m * 2
z[m > 0] *= 3.0
return np.sum(z**2)

z = m * 2
z[:, 1][m[:, 1] < 0] = 0.5
return np.sum(z**2)

z = m * 2
z[1, m[1] < 0] = 0.5
return np.sum(z**2)

z = m * 2
z[m[:, 0] > 0] = x[:4]
return np.sum(z**2)

z = m * 2
z[m[:, 0] > 0, 1] = 0.5
return np.sum(z**2)

z = m * 2
z[m[:, 0] > 0, 1:3] += 0.5
return np.sum(z**2)

z = m[m[:, 0] > 0, 1]
return np.sum(z**2)

z = m[:, x[:4] > 0]
return np.sum(z**2)

z = x * 1.0
z[np.array([0, 2, 2])] += y[:3]
return np.sum(z**2)

z = x * 1.0
z[[0, 2, 2]] = y[:3]
return np.sum(z**2)

z = m * 1.0
z[np.array([0, 2]), np.array([1, 1])] *= y[:2]
return np.sum(z**2)

z = m * 1.0
np.fill_diagonal(z, x[0])
return np.sum(z**2)

z = np.empty(6)
z.fill(x[0])
return np.sum(z*y)

z = x.copy()
z.sort()
return np.sum(z*y)

z = m.copy()
z.sort(axis=0)
return np.sum(z*m)

z = m[:, :]
z = z[:, :] * m[:, :]
return np.sum(z)

z = np.zeros((2, 6))
z[:, :] = x
z[:, 1:3] = y[:2]
z[..., 0] = 3.0 * x[0]
z[0] += y
return np.sum(z**3)

a, b = np.split(x, 2)
return a @ b

a, b, c = np.split(m, (1, 2), axis=0)
return np.sum(a * b * c)

parts = np.array_split(x, 4)
return parts[0] @ parts[1]

X, Y = np.meshgrid(x, y)
return np.sum(X * Y**2)

q, r = np.linalg.qr(m.T)
return np.sum(q**3) + np.sum(r**3)

u, sv, vt = np.linalg.svd(m, full_matrices=False)
return np.sum(u**4) + np.sum(sv**3)+ np.sum(vt**4)

w, v = np.linalg.eigh(m @ m.T)
return np.sum(v**4) + np.sum(w**2)

sign, ld = np.linalg.slogdet(m[:, :3])
return sign * ld

sol, res, rank, sv = np.linalg.lstsq(m.T, x[:4], rcond=None)
return np.sum(sol**3) + res[0]

z = np.empty((3, 5))
z[:] = m @ n
return np.sum(z**2)

m2 = m.copy()
m2 -= m2.mean(axis=0)
m2 /= m2.std(axis=0)
return np.sum(m2**3)

total = 0.0
for i in range(m.shape[0]):
    total += np.linalg.norm(m[i] - x[:4]) + m[i] @ x[:4]
return total

z = np.where(x > 0)[0]
return np.sum(x[z]**2)

i, j = np.nonzero(m > 0)
return np.sum(m[i, j]**2)

i, j = np.triu_indices(3)
return np.sum(m[i, j]**2)

i = np.tril_indices(3, -1)
return np.sum(m[i]**2)

i = np.diag_indices(3)
z = m * 1.0
z[i] = x[:3]
return np.sum(z**2)

z = x.copy()
z[::2] = y[:3]
z[1::2] *= 2
z[-1] = 0.5 * z[0]
z[:3] = z[3:]
return np.sum(z**3)

np.copyto(x, y)
return np.sum(x**2)

np.putmask(x, x > 0, y)
return np.sum(x**2)

z = x.T
z[0] *= 2.0
return np.sum(x**2)

z = m.T
z[0] *= 2.0
return np.sum(m**2)

h, w = m.shape
z = m.reshape(h * w)
return np.sum(z**2 * np.arange(h * w))

n0 = m.shape
z = np.zeros(n0)
z += m
return np.sum(z**2)

z = x[x.size // 2 :] * x[: x.size // 2]
return np.sum(z)

i = 1
z = x[i : i + 3] * y[i]
return np.sum(z)

z = x if x[0] > 0 else y
return np.sum(z**2)

if x[0] > 0:
    z = m @ n
else:
    z = m @ n * 2
return np.sum(z**2)

assert x.shape == y.shape
return np.sum(x)

return np.sum(x[..., None] @ y[None])

k = 2
z = np.sum(m, axis=k - 1)
return np.sum(z**2)

ax = 1
z = np.sum(m, axis=ax) * np.max(m, axis=ax)
return np.sum(z**2)

ax = (0, 1)
return np.sum(np.sum(t, axis=ax) ** 2)

return np.sum(np.sum(t, axis=t.ndim - 1) ** 2)

return np.sum((np.eye(3, dtype=np.float64) @ m) ** 2) + np.sum(np.arange(6, dtype=np.float64) * x)

return np.sum((np.eye(3, dtype=m.dtype) @ m) ** 2)

z = np.linspace(0.0, 1.0, 6, dtype=np.float64) * x
return np.sum(z) + np.sum(np.identity(3, dtype=np.float64) @ m)

z = x * 1.0
np.add.at(z, np.array([0, 2, 2, -1]), y[:4] ** 2)
return np.sum(z**2)

z = m * 1.0
np.add.at(z, (np.array([0, 2, 2]), np.array([1, 1, 1])), y[:3] ** 2)
return np.sum(z**3)

z = m * 1.0
np.subtract.at(z, np.array([0, 2, 2]), x[:4] * 2.0)
return np.sum(z**3)

z = x * 1.0
np.add.at(z, [1, 1], 3.0 * y[0])
return np.sum(z**2)
""".strip().split("\n\n")

# Library calls in loops and branches: time steps, filters, Newton's method.
LOOPS = """
total = 0.0
for k in range(3):
    total += np.sum(np.linalg.inv(m[:, :3] + (k + 2.0) * np.eye(3, dtype=m.dtype)) ** 2)
return total

u = x[:3] * 1.0
a = m[:, :3] + 4.0 * np.eye(3, dtype=m.dtype)
for k in range(4):
    u = np.linalg.solve(a, u + np.sin(u) * 0.1)
return np.sum(u**2)

u = x[:3] * 1.0
for k in range(4):
    a = m[:, :3] + 4.0 * np.eye(3, dtype=m.dtype) + np.outer(u, u)
    u = np.linalg.solve(a, u + np.sin(u) * 0.1)
return np.sum(u**2)

u = x[:3] * 1.0
err = 1.0
while err > 1e-3:
    a = m[:, :3] + 4.0 * np.eye(3, dtype=m.dtype) + np.outer(u, u)
    d = np.linalg.solve(a, u)
    u = u - 0.5 * d
    err = np.linalg.norm(d)
return np.sum(u**2 * y[:3])

F = m[:, :3]
P = np.eye(3, dtype=m.dtype) + np.outer(x[:3], x[:3])
s0 = y[:3] * 1.0
R = np.diag(p[:2])
H = m[:2, 1:]
ll = 0.0
for k in range(3):
    s0 = F @ s0
    P = F @ P @ F.T + 0.1 * np.eye(3, dtype=m.dtype)
    v = x[k : k + 2] - H @ s0
    S = H @ P @ H.T + R
    K = P @ H.T @ np.linalg.inv(S)
    s0 = s0 + K @ v
    P = (np.eye(3, dtype=m.dtype) - K @ H) @ P
    ll += -0.5 * v @ np.linalg.solve(S, v) - 0.5 * np.linalg.slogdet(S)[1]
return ll + np.sum(P**2)

v = x[:3] * 1.0
a = m @ m.T
for k in range(6):
    v = a @ v
    v = v / np.linalg.norm(v)
return v @ a @ v + v[0]

total = 0.0
for i in range(3):
    for j in range(2):
        b = m[:, j : j + 3] + np.eye(3) * (3.0 + i)
        if x[i] > 0:
            total += np.linalg.det(b)
        else:
            c = np.linalg.cholesky(b @ b.T)
            total += np.sum(c**3)
            b[0, 0] = 7.0
            total += np.sum(b**2)
return total

u = x[:3] * 1.0
for k in range(1, 3):
    b = m[:k, :3] @ m[:k, :3].T + np.outer(p[:k], p[:k]) + np.eye(k)
    w, q = np.linalg.eigh(b)
    if w[0] > 1e6:
        break
    u[0] += np.sum(np.linalg.qr(b)[1] ** 2) * 0.01 + w[-1] * q[0, -1] ** 2
return np.sum(u**2)

total = 0.0
for k in range(2):
    w, v = np.linalg.eigh(t[:, :, k : k + 3] * (k + 1.0))
    if x[k] > 0:
        total += np.sum(v**4 * w[:, None, :])
    else:
        total += np.sum(np.linalg.svd(t * x[k], full_matrices=False)[2] ** 4) + np.sum(w**2)
return total

total = 0.0
for k in range(4):
    a = m[:, :3] @ m[:, :3].T + (k - 2.0) * np.eye(3, dtype=m.dtype)
    try:
        low = np.linalg.cholesky(a)
        total += np.sum(np.log(np.diag(low))) * x[k]
        total += np.sum(np.linalg.inv(low * k) ** 2)
    except Exception:
        total -= x[k] ** 2 * m[0, 0]
return total

total = 0.0
a = m[:, :3] + 4.0 * np.eye(3, dtype=m.dtype)
for k in range(3):
    a[k, k] *= 1.0 - k
    try:
        total += np.sum(scipy.linalg.solve_triangular(a, x[:3]) ** 2)
    except Exception:
        total += x[k] ** 2 * a[0, k]
return total

if x[0] > 0:
    z = np.linalg.solve(m[:, :3], x[:3])
else:
    z = np.linalg.inv(m[:, :3])[1]
return np.sum(z**2)

if x[0] < 0:
    z = np.linalg.solve(m[:, :3], x[:3])
else:
    z = np.linalg.inv(m[:, :3])[1]
z[0] = 3.0
return np.sum(z**2)

u = x[:3] * 1.0
for k in range(3):
    u[1] = 0.3 * k
    u = np.linalg.solve(m[:, :3] + np.diag(u), u)
    u[0] *= 2.0
return np.sum(u**2)

out = np.zeros((4, 3))
a = m[:, :3] + 4.0 * np.eye(3, dtype=m.dtype)
for k in range(4):
    out[k] = np.linalg.solve(a + k * np.outer(x[:3], y[:3]), p[:3])
return np.sum(out**3)
""".strip().split("\n\n")
