"""Benchmarks: fresh children measure, the parent plans; statistics and comparison are pure."""
