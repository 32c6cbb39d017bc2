"""What others have written, under the conformance checks; and what was found.

An adapter says in its docstring which package it needs. None of them is needed to build or to test
streamfold. To try one, in `tests/`:

    streamfold fuzz field.official:accumulate
    streamfold fuzz --decoder field.httpx_sse:decode

`test_findings.py` has the findings. One is skipped where its package is not installed in the
version that it was found in.
"""
