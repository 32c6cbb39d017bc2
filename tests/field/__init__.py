"""Adapters that put what others have written under the conformance checks, and what was found.

    python -m streamfold.adapters.cli fuzz field.official:accumulate       (in tests/)

None of these packages is needed to build or to test streamfold; each adapter says which one it
needs. `test_findings.py` has the findings as streams, each checked by hand, and is skipped for
packages that are not there.
"""
