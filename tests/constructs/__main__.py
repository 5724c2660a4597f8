"""``python -m tests.constructs``: compile every program of the table; ``--write``: the page."""

from __future__ import annotations

import sys
import time
from collections import Counter

from tests.constructs.check import ENTRIES, check_compiled
from tests.constructs.page import PAGE, page


def main() -> int:
    if "--write" in sys.argv:
        PAGE.write_text(page())
        return 0
    wanted = [word for word in sys.argv[1:] if not word.startswith("-")]
    count: Counter[str] = Counter()
    for entry in ENTRIES:
        name = entry.python.__name__
        if entry.message is not None or (wanted and name not in wanted):
            continue
        start, verdict = time.perf_counter(), "right"
        try:
            check_compiled(entry)
        except Exception as error:
            verdict = f"{type(error).__name__}: {error}"
        count[verdict.partition(":")[0]] += 1
        print(f"{time.perf_counter() - start:6.1f} s  {name:28} {verdict}", flush=True)
    print(", ".join(f"{n} {what}" for what, n in count.most_common()))
    return 0 if set(count) <= {"right"} else 1


if __name__ == "__main__":
    sys.exit(main())
