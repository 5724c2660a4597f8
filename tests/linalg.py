"""``python -m tests.linalg``: compile every program of complex linear algebra, and check it.

Value, gradient, forward mode, as tests/test_linalg.py does without Numba.  Some minutes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.test_complex import check
from tests.test_linalg import ROWS, arguments, written


def main(chosen: list[str]) -> int:
    """The programs with these numbers, or all."""
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        programs = written(Path(folder))
        for k in map(int, chosen or range(len(ROWS))):
            try:
                check(getattr(programs, f"f{k}"), arguments(k, 0), True, compiled=True)
            except Exception as error:
                failures += 1
                print(f"{k}: {ROWS[k]}\n{type(error).__name__}: {error}", flush=True)
    print(f"{failures} of {len(chosen or ROWS)} programs failed")
    return min(failures, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
