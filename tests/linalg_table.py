# ruff: noqa: E501
"""Linear algebra of complex matrices and stacks of them, for test_linalg.py: expressions, and
programs of a few statements.  The names are those of complex_table.py, and ``t``, a stack.

One in six runs by default: those in these places need no long compilation of what they call.
The vectors of ``eigh`` and ``svd`` are taken as LAPACK makes them, phases included; some rows depend
on nothing but what is theirs whatever the phases.
"""

from __future__ import annotations

COMPLEX = """
np.sum(np.linalg.eigh(a[:,:3])[0]*x[:3])+np.sum(np.real(np.linalg.eigh(a[:,:3])[1]*a[:,:3]))
np.sum(np.real(np.linalg.cholesky(a@a.conj().T+np.eye(3))*a[:,:3]))
np.sum(np.real(np.linalg.cholesky(a[:,:3]*0.1+4*np.eye(3),upper=True)*a[:,1:]))+np.sum(np.real(scipy.linalg.cholesky(a[:,:3]*0.1+4*np.eye(3),lower=True)*b[:3]))
np.sum(np.real(np.linalg.qr(b)[0]*b**2))+np.sum(np.real(np.linalg.qr(b,mode='r')*b[:3])**3)
np.sum(np.abs(np.linalg.eigh(a@a.conj().T)[1].conj().T@w[:3])**2*x[:3])+np.abs(np.vdot(np.linalg.eigh(a@a.conj().T)[1][:,0],w[:3]))
np.sum(np.abs(np.linalg.eigh(a[:,:3],UPLO='U')[1]*a[:,:3])**2)+np.sum(np.linalg.eigvalsh(a[:,:3],UPLO='U')**3)
np.sum(np.real(np.linalg.svd(a,full_matrices=False)[0]*b[:3]))+np.sum(np.real(np.linalg.svd(a,full_matrices=False)[2]*a))
np.sum(np.real(np.linalg.svd(b,full_matrices=False)[0]*b))+np.sum(np.real(np.linalg.svd(b,full_matrices=False)[2]*b[1:]))
np.sum(np.real(np.linalg.svd(a[:,1:])[2]*b[1:])**2)+np.sum(np.real(np.linalg.svd(a[:,1:])[0]*b[1:])**2)
np.sum(np.linalg.svd(a,compute_uv=False)**3)+np.sum(np.linalg.svdvals(b)*x[:3])
np.sum(np.real(np.linalg.pinv(a)*b))+np.sum(np.real(np.linalg.pinv(b)*a)**2)
np.sum(np.real(np.linalg.lstsq(b,w[:4],rcond=None)[0]*w[:3]))+np.linalg.lstsq(b,w[:4],rcond=None)[1][0]**2
np.sum(np.real(np.linalg.qr(a)[1]*a))+np.sum(np.real(np.linalg.qr(a)[0]*b[:3])**3)
np.sum(np.real(np.linalg.lstsq(a,w[:3],rcond=None)[0]*w[:4]))+np.sum(np.real(np.linalg.lstsq(b,m.T,rcond=None)[0]*b[1:]))
np.real(np.linalg.slogdet(a[:,:3])[0]*c)*np.linalg.slogdet(a[:,:3])[1]
np.sum(np.real(np.linalg.matrix_power(a[:,:3],3)*a[:,1:]))+np.sum(np.real(np.linalg.matrix_power(a[:,:3],-2)*a[:,1:]))
np.linalg.cond(a)+np.linalg.cond(a[:,:3],'fro')+np.linalg.cond(a,-2)+np.linalg.matrix_rank(a)*x[0]
np.sum(np.real(scipy.linalg.solve_triangular(a[:,:3],w[:3],lower=True)*z[:3]))+np.sum(np.real(scipy.linalg.solve_triangular(a[:,:3],b[:3],trans='C')*b[:3]))
np.linalg.norm(a,axis=0,ord=1).sum()+np.linalg.norm(a,axis=1,ord=2.5,keepdims=True).sum()+np.linalg.norm(t,'nuc',axis=(0,2)).sum()
np.sum(np.real(scipy.linalg.solve_triangular(a[:,:3],w[:3],trans=2,lower=True,unit_diagonal=True)*z[:3]))+np.sum(np.real(scipy.linalg.solve_triangular(a[:,:3],x[:3],trans='T')*z[:3]))
np.sum(np.real(scipy.linalg.cho_solve((np.linalg.cholesky(a@a.conj().T+np.eye(3)),True),w[:3])*z[:3]))
np.sum(np.real(scipy.linalg.cho_solve((scipy.linalg.cholesky(a@a.conj().T+np.eye(3)),False),b[:3])*b[:3]))
np.linalg.norm(a,'nuc')+np.linalg.norm(a,2)+np.linalg.norm(a,-2)+np.linalg.norm(a,'fro')
np.linalg.norm(a,1)+np.linalg.norm(a,np.inf)+np.linalg.norm(a,-1)+np.linalg.norm(a,-np.inf)
np.sum(np.linalg.slogdet(t[:,:,:3])[1]**2)+np.sum(np.real(np.linalg.slogdet(t[:,:,1:])[0]*w[:2]))
np.linalg.norm(z,np.inf)+np.linalg.norm(z,3)+np.linalg.norm(z,-np.inf)+np.linalg.norm(z,0)+np.linalg.vector_norm(z)
np.sum(np.real(np.linalg.solve(t[:,:,:3],z[:3])*w[:3]))+np.sum(np.abs(np.linalg.solve(m[:,:3],z[:3]))**2)
np.sum(np.real(np.linalg.svd(t,full_matrices=False)[2]*t))+np.sum(np.linalg.svd(t,compute_uv=False)**3)
np.sum(np.abs(np.linalg.qr(t)[0])**3)+np.sum(np.real(np.linalg.pinv(t)*w[:3]))
np.sum(np.real(np.linalg.inv(t[:,:,:3])*t[:,:,1:]))+np.sum(np.abs(np.linalg.det(t[:,:,1:]))*x[:2])
np.sum(np.real(np.linalg.eigh(t[:,:,:3])[1]*t[:,:,:3]))+np.sum(np.linalg.eigvalsh(t[:,:,1:])**3)
np.sum(np.real(np.linalg.cholesky(t[:,:,:3]*0.1+4*np.eye(3))*t[:,:,:3]))
np.sum(np.real(np.linalg.svd(a)[0]*b[:3]))+np.sum(np.real(np.linalg.svd(b)[0][:,:3]*b))+np.sum(np.abs(np.linalg.svd(a)[2][3])**3)
np.sum(np.real(np.linalg.qr(b,mode='complete')[0][:,:3]*b**2))+np.sum(np.abs(np.linalg.qr(b[:,:2],mode='complete')[0][:,2:]@b[1:3])**2)+np.sum(np.real(np.linalg.qr(b,mode='complete')[1]*b))
np.sum(np.real(np.linalg.pinv(a,0.5)*b))+np.sum(np.real(np.linalg.pinv(b,rcond=0.5)*a)**2)+np.sum(np.real(np.linalg.lstsq(b,w[:4],rcond=0.5)[0]*w[:3]))
""".strip().split("\n")

# In loops, branches and try statements.
PROGRAMS = """
u = z[:3] * 1.0
for k in range(3):
    h = a[:, :3] + np.conj(a[:, :3].T) + np.outer(u, np.conj(u)) * x[k]
    v, q = np.linalg.eigh(h)
    if v[0] < 0:
        u = np.linalg.solve(h + 4.0 * np.eye(3, dtype=x.dtype), u) + q[:, 1] * v[2]
    else:
        u = np.linalg.qr(h)[1] @ u
return np.sum(np.abs(u) ** 2 * x[:3]) + u[0].real

total = 0.0
for k in range(3):
    h = a @ np.conj(a.T) + (k - 2.0) * np.eye(3)
    try:
        low = np.linalg.cholesky(h)
        total += np.sum(np.real(low * b[:3])) * x[k]
    except Exception:
        total += np.sum(np.linalg.svd(h * c, compute_uv=False) ** 2)
    total += np.linalg.svd(t * x[k], full_matrices=False)[2][1, 0, 1].real
return total
""".strip().split("\n\n")
