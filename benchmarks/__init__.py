"""Benchmarks: `python -m benchmarks [NAME]`. Ratios against peers, measured side by side in one process; never asserted."""
