"""The fuzzer itself, and a few hundred of its programs.  The long run is a command:
``python -m tests.fuzz --count 2000 --compiled 200 --report -j 2``."""

from __future__ import annotations

import numpy as np
import pytest

from tests import oracle
from tests.fuzz import coverage, planted
from tests.fuzz.check import Target, check
from tests.fuzz.program import arguments, generate
from tests.fuzz.runner import run, smallest

PLAIN, COMPILED, PARTS = 40, 4, 4
ARRAYS = 24

ADJOINT = """
def f_forward_1(x, n):
    return x[0]


def f_adjoint_1(x, x_adj, result_adj, n, took_if_4, s_tape, x_tape):
    for i in range(n - 1, -1, -1):
        s = s_tape[i]
        x[i] = x_tape[i]
        t_adj = s_adj * np.cos(s)
        x_adj[i] = 0.0
        if took_if_4[i]:
            x_adj[i] += t_adj
"""


def test_a_seed_makes_one_program() -> None:
    assert str(generate("3:1")) == str(generate("3:1")) != str(generate("3:2"))


def test_programs_run_and_vary() -> None:
    for k in range(60):
        program = generate(f"1:{k}")
        outcome = check(program, Target("differences"))
        assert outcome.status != "invalid", f"{outcome}\n{program}"


def test_every_pair_of_constructs_is_common_enough() -> None:
    """At least 50 times in 2000 programs."""
    total: coverage.Pairs = sum(
        (coverage.pairs(generate(f"0:{k}")) for k in range(2000)), start=coverage.Pairs()
    )
    assert coverage.rare(total, 2000) == []


def test_a_wrong_derivative_is_found_and_shrunk() -> None:
    seed = "0:0"
    target = Target("broken")
    outcome = check(generate(seed), target)
    assert outcome.status == "mismatch"
    small, last = smallest(seed, outcome, target, seconds=20)
    assert last.status == "mismatch"
    assert len(str(small)) < len(str(generate(seed))) / 2


def test_kinks_and_jumps_are_recognised() -> None:
    def at_kink(a: float) -> float:
        return abs(a) + a

    def jump(a: float) -> float:
        return a if a > 1e-4 else a + 1.0

    def smooth(a: float) -> float:
        return float(np.sin(3 * a))

    assert not oracle.directional(at_kink, [0.0], {0: 1.0}).reliable
    assert not oracle.directional(jump, [0.0], {0: 1.0}).reliable
    truth = oracle.directional(smooth, [0.4], {0: 1.0})
    assert truth.reliable and abs(truth.value - 3 * np.cos(1.2)) < 1e-10


def test_arguments_have_the_same_types_at_all_points() -> None:
    for k in range(20):
        program = generate(f"2:{k}")
        kinds = [
            [(type(a), getattr(a, "strides", None)) for a in arguments(program, point)]
            for point in range(2)
        ]
        assert kinds[0] == kinds[1]


@pytest.mark.parametrize("number", range(len(planted.PLANTED)))
def test_planted_bugs_change_an_adjoint(number: int) -> None:
    changed = planted.Plant(number)(ADJOINT)
    compile(changed, "changed", "exec")
    forward, _, adjoint = changed.partition("def f_adjoint")
    assert forward == ADJOINT.partition("def f_adjoint")[0]
    assert adjoint != ADJOINT.partition("def f_adjoint")[2]


@pytest.mark.wide
@pytest.mark.parametrize("number", range(len(planted.PLANTED)))
def test_planted_bugs_are_found(number: int) -> None:
    verdict = planted.hunt(number, [f"0:{k}" for k in range(200)])
    assert verdict.found, str(verdict)


# In parts, which may run at the same time.
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("optimise", [True, False])
def test_plain_programs(optimise: bool, part: int) -> None:
    total = run([f"0:{k}" for k in range(part, PLAIN, PARTS)], Target("plain", optimise))
    assert total.failures == [], total.failures[0]
    assert total.acceptance >= 0.95, total.refusals.most_common(5)
    assert total.discarded <= 0.10


@pytest.mark.parametrize("part", range(2))
@pytest.mark.parametrize("optimise", [True, False])
def test_array_programs(optimise: bool, part: int) -> None:
    total = run([f"array0:{k}" for k in range(part, ARRAYS, 2)], Target("plain", optimise))
    assert total.failures == [], total.failures[0]
    assert total.acceptance >= 0.95, total.refusals.most_common(5)
    assert total.discarded <= 0.10


@pytest.mark.compiled
def test_compiled_array_programs() -> None:
    total = run([f"array1:{k}" for k in range(6)], Target("compiled"))
    assert total.failures == [], total.failures[0]
    assert total.acceptance >= 0.8, total.refusals.most_common(5)


@pytest.mark.compiled
@pytest.mark.parametrize("part", range(PARTS))
def test_compiled_programs(part: int) -> None:
    total = run([f"0:{k}" for k in range(part, COMPILED, PARTS)], Target("compiled"))
    assert total.failures == [], total.failures[0]
    assert total.acceptance >= 0.95, total.refusals.most_common(5)
