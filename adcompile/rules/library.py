"""Derivatives of library calls on whole arrays: which runtime functions do them.

The mathematics stands above the functions, in runtime/: linalg.py, systems.py,
decompositions.py, complements.py, cutoffs.py, cholesky.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from numba.core import types as nt

from adcompile.ir import nodes as ir


@dataclass(frozen=True)
class Operand:
    """``adjoint(operand_adj, result_adj, *needed)`` and ``tangent(result_tan, operand_tan,
    *needed)``, each adding to its first argument.  ``needed``: numbers of operands; -1 is the
    result.  ``all_at_once(result_adj, *needed, *operand_adjs)``: what does the adjoints
    of all operands that name it in one call, if all are active."""

    adjoint: str
    tangent: str
    needed: tuple[int, ...]
    all_at_once: str = ""


def _product(ranks: str) -> tuple[Operand, ...]:
    return (
        Operand(f"rt.dot_{ranks}_left", "rt.dot_left_tangent", (1,)),
        Operand(f"rt.dot_{ranks}_right", "rt.dot_right_tangent", (0,)),
    )


# By the name of the call, and the ranks of its operands where they matter.
LIBRARY: dict[tuple[str, str], tuple[Operand, ...]] = {
    ("np.dot", "22"): _product("22"),
    ("np.dot", "21"): _product("21"),
    ("np.dot", "12"): _product("12"),
    ("np.linalg.inv", "2"): (Operand("rt.inv_adjoint", "rt.inv_tangent", (-1,)),),
    ("rt.det", "2"): (Operand("rt.det_adjoint", "rt.det_tangent", (0, -1)),),
    ("rt.slogdet", "2"): (Operand("rt.slogdet_adjoint", "rt.slogdet_tangent", (0, -1)),),
    ("np.linalg.cholesky", "2"): (Operand("rt.cholesky_adjoint", "rt.cholesky_tangent", (-1,)),),
    ("rt.qr", "2"): (Operand("rt.qr_adjoint", "rt.qr_tangent", (-1,)),),
    ("np.linalg.pinv", "2"): (Operand("rt.pinv_adjoint", "rt.pinv_tangent", (0, -1)),),
    ("rt.svd", "2"): (Operand("rt.svd_adjoint", "rt.svd_tangent", (-1,)),),
    ("rt.qr_complete", "2"): (Operand("rt.qr_complete_adjoint", "rt.qr_complete_tangent", (-1,)),),
    ("rt.svd_complete", "2"): (
        Operand("rt.svd_complete_adjoint", "rt.svd_complete_tangent", (-1,)),
    ),
    ("rt.pinv_cut", "21"): (
        Operand("rt.pinv_cut_adjoint", "rt.pinv_cut_tangent", (0, 1)),
        Operand("rt.cutoff_adjoint", "rt.cutoff_tangent", ()),
    ),
    ("rt.eigh", "2"): (Operand("rt.eigh_adjoint", "rt.eigh_tangent", (-1,)),),
}
for _rank in "12":
    LIBRARY["np.linalg.solve", "2" + _rank] = (
        Operand(f"rt.solve_{_rank}_matrix", "rt.solve_matrix_tangent", (0, -1)),
        Operand("rt.solve_rhs", "rt.solve_rhs_tangent", (0,)),
    )
    LIBRARY["rt.lstsq", "2" + _rank] = (
        Operand("rt.lstsq_matrix", "rt.lstsq_matrix_tangent", (0, 1, -1)),
        Operand("rt.lstsq_rhs", "rt.lstsq_rhs_tangent", (0,)),
    )
    for _name in ("lower", "lower_unit", "upper", "upper_unit"):
        LIBRARY[f"rt.solve_{_name}", "2" + _rank] = (
            Operand(f"rt.solve_{_name}_matrix", f"rt.solve_{_name}_matrix_tangent", (0, -1)),
            Operand(f"rt.solve_{_name}_rhs", f"rt.solve_{_name}_rhs_tangent", (0,)),
        )
for _rank in "23456":
    LIBRARY["rt.reshaped", _rank] = (Operand("rt.reshaped_adjoint", "rt.reshaped_tangent", ()),)
for _name in ("stacked_nt", "stacked_nn", "dot_nt", "dot_tn"):
    LIBRARY[f"rt.{_name}", "33" if "stacked" in _name else "22"] = (
        Operand(f"rt.{_name}_left", f"rt.{_name}_left_tangent", (1,)),
        Operand(f"rt.{_name}_right", f"rt.{_name}_right_tangent", (0,)),
    )


def operands_of(
    fn: str, args: tuple[ir.Expr, ...], types: Mapping[ir.Var, nt.Type]
) -> tuple[Operand, ...]:
    """How derivatives go through the operands of a call."""
    if fn in ALONG_AN_AXIS:
        return _along_an_axis(fn, len(args) // 2)
    kinds = [types[arg] for arg in args if isinstance(arg, ir.Var)]
    ranks = "".join(str(kind.ndim) for kind in kinds if isinstance(kind, nt.Array))
    return LIBRARY[fn, ranks]


# Matrices applied along one axis of as many arrays, which are the operands after them.
ALONG_AN_AXIS = frozenset(("rt.contract_0", "rt.contract_1", "rt.contract_last"))


def _along_an_axis(fn: str, pairs: int) -> tuple[Operand, ...]:
    matrix, part = (f"{fn}_matrix", f"{fn}_matrices"), (f"{fn}_part", f"{fn}_parts")
    return tuple(
        Operand(one, f"{one}_tangent", ((k + pairs) % (2 * pairs),), several)
        for k, (one, several) in enumerate((*(matrix,) * pairs, *(part,) * pairs))
    )


NAMES = frozenset(name for name, _ in LIBRARY) | ALONG_AN_AXIS

# What assigns where the function on the left adds.
OVERWRITING = {
    "rt.add_into": "rt.copy_into",
    "rt.reshaped_adjoint": "rt.reshaped_adjoint_first",
}
for _product_name in ("dot_22", "dot_21", "dot_12", "dot_nt", "dot_tn", "stacked_nt", "stacked_nn"):
    for _side in ("left", "right"):
        _adds = f"rt.{_product_name}_{_side}"
        OVERWRITING[_adds] = f"{_adds}_first"
