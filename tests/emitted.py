"""Emitted text of a function in IR, and that text as a function."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from adcompile.emit.destruct import destruct
from adcompile.emit.names import assign_names
from adcompile.emit.nest import nest
from adcompile.emit.source import print_function
from adcompile.ir.nodes import (
    Binary,
    Const,
    Expr,
    Function,
)
from adcompile.ir.verify import verify

ZERO, ONE, TWO = Const(0), Const(1), Const(2)


def add(a: Expr, b: Expr) -> Expr:
    return Binary("+", a, b)


def text_of(fn: Function, nested: bool = True) -> str:
    verify(fn, "ssa")
    plain = destruct(fn)
    verify(plain, "plain")
    if nested:
        plain = nest(plain)
        verify(plain, "plain")
    named, names = assign_names(plain, set())
    return print_function(named, names)[0]


def plain_text(fn: Function) -> str:
    verify(fn, "plain")
    named, names = assign_names(fn, set())
    return print_function(named, names)[0]


def load(text: str, name: str = "f") -> Callable[..., Any]:
    space: dict[str, Any] = {"np": np, "math": math}
    exec(compile(text, "<generated>", "exec"), space)
    made: Callable[..., Any] = space[name]
    return made
