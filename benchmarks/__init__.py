"""Speed and cost, each module runnable: ``python -m benchmarks.lotka_volterra``."""
