"""The options of the user's Dispatchers, and how far they reach."""

from __future__ import annotations

from numba import njit

from adcompile import grad
from adcompile.options import Options
from tests.callees import square


def test_options_of_the_dispatcher_are_kept():
    @njit(fastmath=True, error_model="python", boundscheck=True)
    def root(x):
        return square(x)

    options = grad(root).derivation.options
    assert (options.fastmath, options.error_model) == (True, "python")
    assert options.boundscheck is True and options.parallel is False
    assert grad(square).derivation.options == Options()
    assert grad(njit(square)).derivation.options == Options()
    chosen = grad(root, fastmath=False, error_model="numpy", boundscheck=False)
    assert chosen.derivation.options == Options(contract=False)  # fastmath is given: no more


def with_callee(outer, inner):
    """A function whose callee's callee has other flags."""
    callee = njit(fastmath=inner)(square)

    def between(x):
        return callee(x) + 1.0

    @njit(fastmath=outer)
    def root(x):
        return square(x) * between(x)

    return root


def test_fastmath_only_where_every_callee_grants_it():
    flags = (False, True, {"nnan"}, {"nnan", "nsz"}, {"fast"}, {"arcp": True, "nnan": False})
    granted = (
        (False, False, False, False, False, False),
        (False, True, {"nnan"}, {"nnan", "nsz"}, {"fast"}, {"arcp"}),
        (False, {"nnan"}, {"nnan"}, {"nnan"}, {"nnan"}, False),
        (False, {"nnan", "nsz"}, {"nnan"}, {"nnan", "nsz"}, {"nnan", "nsz"}, False),
    )
    for outer, row in zip(flags, granted):
        for inner, expected in zip(flags, row):
            root = with_callee(outer, inner)
            assert grad(root).derivation.options.fastmath == expected, (outer, inner)
            assert grad(root, fastmath=True).derivation.options.fastmath is True


def test_fastmath_reaches_the_generated_code():
    strict, fast = njit(square), njit(fastmath={"nnan"})(square)

    @njit(fastmath={"nnan", "nsz"})
    def through_strict(x):
        return strict(x)

    @njit(fastmath={"nnan", "nsz"})
    def through_fast(x):
        return fast(x)

    for root, expected in ((through_strict, "fastmath=False"), (through_fast, "{'nnan': True}")):
        loss = grad(root, cache=False)
        assert loss(3.0) == 6.0 and loss.vjp(3.0)[1](1.0) == (6.0,)
        assert expected in loss.derivation.latest.path.read_text()


def test_callees_may_be_defined_after_the_root():
    @njit(fastmath=True)
    def root(x):
        return later(x)

    loss = grad(root)
    later = njit(square)
    assert loss.derivation.options.fastmath is False
