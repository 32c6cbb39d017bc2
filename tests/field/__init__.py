"""Implementations from other packages under the conformance checks, and the findings.

Each adapter names its package in its docstring. None is needed to build or to test streamfold.
`run.sh` installs the pinned packages in environments of their own and runs `test_findings.py`. To
try an adapter in an environment that has its package, from the root of the checkout:

    streamfold fuzz tests.field.official:accumulate
    streamfold fuzz --decoder tests.field.httpx_sse:decode
"""
