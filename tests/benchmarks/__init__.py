"""Measurements, run by hand: `python -m tests.benchmarks.NAME` prints one table, what was asked for beside what was
measured. CI only sees that they run (`test_benchmarks.py`): a time on a shared machine proves nothing.
"""
