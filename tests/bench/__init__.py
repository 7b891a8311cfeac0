"""The benchmarks still run: a thousand rows, no thresholds."""
