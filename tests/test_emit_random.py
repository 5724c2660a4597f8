"""Random ssa programs run as their definition says."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from adcompile.ir.nodes import (
    Assign,
    Binary,
    Block,
    Carried,
    Compare,
    Const,
    Expr,
    For,
    Function,
    If,
    Join,
    Return,
    Stmt,
    Var,
)
from tests.emitted import ONE, ZERO, add, load, text_of


class Programs:
    """Random ssa programs over integers, with few names, so that they collide."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def fresh(self) -> Var:
        return self.rng.choice([Var("x"), Var("y"), Var("z"), Var("t", True)])

    def expr(self, scope: list[Var]) -> Expr:
        rng = self.rng
        match rng.randrange(5):
            case 0:
                return rng.choice(scope)
            case 1:
                return Const(rng.randrange(-3, 4))
            case _:
                pair = Binary(rng.choice("+-*"), rng.choice(scope), rng.choice(scope))
                return Binary("%", add(pair, Const(rng.randrange(5))), Const(97))

    def cond(self, scope: list[Var]) -> Expr:
        left = Binary("%", self.rng.choice(scope), Const(4))
        return Compare(self.rng.choice(["<", "==", ">="]), left, Const(self.rng.randrange(4)))

    def block(self, scope: list[Var], depth: int) -> list[Stmt]:
        """Statements; their definitions are added to ``scope``."""
        made: list[Stmt] = []
        for _ in range(self.rng.randrange(1, 5)):
            kind = self.rng.randrange(6) if depth else 0
            if kind == 4:
                made.append(self.branch(scope, depth))
            elif kind == 5:
                made.append(self.loop(scope, depth))
            else:
                value, target = self.expr(scope), self.fresh()
                made.append(Assign(target, value))
                scope.append(target)
        return made

    def branch(self, scope: list[Var], depth: int) -> Stmt:
        cond = self.cond(scope)
        inside = (list(scope), list(scope))
        then = self.block(inside[0], depth - 1)
        orelse = self.block(inside[1], depth - 1) if self.rng.random() < 0.7 else []
        joins = tuple(
            Join(self.fresh(), self.rng.choice(inside[0]), self.rng.choice(inside[1]))
            for _ in range(self.rng.randrange(4))
        )
        scope.extend(join.out for join in joins)
        return If(cond, tuple(then), tuple(orelse), joins)

    def loop(self, scope: list[Var], depth: int) -> Stmt:
        rng = self.rng
        heads = [self.fresh() for _ in range(rng.randrange(1, 5))]
        inits = [rng.choice(scope) for _ in heads]
        count = Var("i")
        inside = [*scope, *heads, count]
        body = self.block(inside, depth - 1)
        exit_ = None
        if rng.random() < 0.5:
            zero, out, exit_ = (Var("exit", True) for _ in range(3))
            stop = Assign(out, Const(rng.choice([1, 2, 3])))
            choice = If(self.cond(inside), (stop,), (), (Join(exit_, out, zero),))
            body = [Assign(zero, ZERO), *body, choice]
        # Heads among the nexts make swaps, rotations and chains.
        nexts = [rng.choice(rng.choice([heads, inside])) for _ in heads]
        outs = [self.fresh() for _ in heads]
        carried = tuple(Carried(*one) for one in zip(heads, inits, nexts, outs))
        scope.extend(outs)
        return For(count, ZERO, Const(rng.randrange(5)), ONE, tuple(body), exit_, carried)

    def function(self) -> Function:
        params = (Var("x"), Var("y"))
        scope = list(params)
        body = self.block(scope, 3)
        values = tuple(self.rng.choice(scope) for _ in range(4))
        return Function("f", params, (*body, Return(values)))


def evaluate(expr: Expr, space: dict[Var, int]) -> int:
    match expr:
        case Var():
            return space[expr]
        case Const(int() as value):
            return value
        case Binary(op, a, b) | Compare(op, a, b):
            return int(eval(f"a {op} b", {"a": evaluate(a, space), "b": evaluate(b, space)}))
        case _:
            raise AssertionError(expr)


def interpret(block: Block, space: dict[Var, int]) -> tuple[int, ...]:
    """Runs ssa as it is defined: joins and carried variables take their values at once."""
    for stmt in block:
        match stmt:
            case Assign(target, value):
                space[target] = evaluate(value, space)
            case If(cond, then, orelse, joins):
                taken = bool(evaluate(cond, space))
                interpret(then if taken else orelse, space)
                for join in joins:
                    source = join.then if taken else join.orelse
                    assert source is not None
                    space[join.out] = space[source]
            case For(var, _, stop, _, body, exit_, carried):
                for one in carried:
                    assert one.init is not None
                    space[one.head] = space[one.init]
                for k in range(evaluate(stop, space)):
                    space[var] = k
                    interpret(body, space)
                    heads = [space[one.next] for one in carried]
                    space.update(zip([one.head for one in carried], heads))
                    if exit_ is not None and space[exit_] >= 2:
                        break
                space.update({one.out: space[one.head] for one in carried})
            case Return(values):
                return tuple(evaluate(value, space) for value in values)
            case _:
                raise AssertionError(stmt)
    return ()


@pytest.mark.parametrize("nested", [False, True])
def test_random_programs_run_as_interpreted(nested: bool) -> None:
    for seed in range(300):
        fn = Programs(seed).function()
        text = text_of(fn, nested)
        f = load(text)
        for args in ((1, 2), (-5, 11)):
            space = dict(zip(fn.params, args))
            assert f(*args) == interpret(fn.body, space), f"seed {seed}\n{text}"


def test_same_input_same_text() -> None:
    def all_text() -> str:
        return "".join(text_of(Programs(seed).function()) for seed in range(40))

    first = all_text()
    ballast = [Var("ballast") for _ in range(1000)]
    assert all_text() == first and ballast


def test_same_text_in_another_process() -> None:
    program = (
        "import sys\n"
        "from tests.emitted import text_of\n"
        "from tests.test_emit_random import Programs\n"
        "junk = [object() for _ in range(int(sys.argv[1]))]\n"
        "print(''.join(text_of(Programs(s).function()) for s in range(30)))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program, count],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parent.parent,
        ).stdout
        for count in ("3", "5000")
    }
    assert len(outputs) == 1 and "def f" in outputs.pop()
