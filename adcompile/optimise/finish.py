"""The last passes over a generated function, which is then printed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from numba.core import types as nt

from adcompile.analysis.activity import is_complex
from adcompile.ir import nodes as ir
from adcompile.optimise.buffers import make_once
from adcompile.optimise.choices import choose_by_calls
from adcompile.optimise.factor import factor_products
from adcompile.optimise.pages import names_of_arrays, use_large_pages
from adcompile.optimise.parallel import Remarks, run_parallel
from adcompile.optimise.powers import multiply_powers
from adcompile.optimise.quotients import multiply_by_reciprocals
from adcompile.optimise.reciprocals import share_reciprocals
from adcompile.optimise.splits import split_mathematics
from adcompile.optimise.strips import run_in_strips
from adcompile.optimise.tape_rows import slice_tapes
from adcompile.optimise.tiles import multiply_in_tiles
from adcompile.optimise.totals import keep_totals
from adcompile.optimise.vectorise import keep_order, regroup_sums, use_vector_math
from adcompile.options import Options


@dataclass
class Finish:
    """Rearranges arithmetic and loops as far as ``options`` let it.  ``plain``: the user's
    program."""

    types: dict[ir.Var, nt.Type]
    plain: ir.Function
    options: Options
    remarks: Remarks = field(default_factory=Remarks)

    def __call__(
        self,
        fn: ir.Function,
        adjoints: frozenset[ir.Var] = frozenset(),
        tapes: Iterable[ir.Var] = (),
    ) -> ir.Function:
        """``adjoints``: the variables of ``fn`` that hold scalar adjoints; ``tapes``: those that
        hold tapes whose rows are numbered from zero."""
        options = self.options
        is_any_complex = any(is_complex(kind) for kind in self.types.values())
        one_after_the_other = options.target == "cpu" and not options.parallel
        if options.optimise and one_after_the_other:
            fn = make_once(fn)
        if options.optimise:
            fn = use_large_pages(fn, names_of_arrays(self.plain))
            if options.target == "cpu" and options.vector_math:
                fn = multiply_in_tiles(fn, self.types)
        if not (options.vector_math and options.optimise):
            fn = keep_order(fn)
        if options.optimise and adjoints:
            fn = multiply_by_reciprocals(factor_products(fn, self.types), adjoints)
            fn = regroup_sums(fn, adjoints)
            if options.vector_math and not options.parallel and not is_any_complex:
                fn = keep_totals(fn, self.types)
        if options.optimise:
            fn = multiply_powers(fn, self.types)
        if options.vector_math:
            if options.optimise and one_after_the_other and not is_any_complex:
                fn = split_mathematics(fn, self.types, adjoints)
            fn = use_vector_math(fn, self.types)
            if options.optimise and not is_any_complex:
                fn = share_reciprocals(fn, self.types, adjoints)
        if options.optimise and one_after_the_other and not is_any_complex:
            fn = run_in_strips(fn, self.types)
            fn = slice_tapes(fn, self.types, tapes) if options.vector_math else fn
        if options.parallel and not is_any_complex:
            fn = run_parallel(fn, self.remarks, self.types)
        return choose_by_calls(fn) if options.target == "cpu" else fn
