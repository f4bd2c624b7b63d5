"""Benchmarks: run by hand, quoted as ratios of one run."""
