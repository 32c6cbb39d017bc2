"""The list of recordings that no test uses."""

from __future__ import annotations

import pytest
from streamfold.transports import Recording

from tests.support.sample_project import sample

__all__ = ["sample"]

pytest_plugins = ["pytester"]

TWO = """
def test_one(recorded_streams):
    pass

def test_two(recorded_streams):
    pass
"""
USED = ["test_a/test_one", "test_a/test_two", "test_a/test_two-2", "test_b/test_one"]
GONE = ["below/gone", "gone", "test_a/test_gone", "test_gone/test_one"]


@pytest.fixture
def recorded(sample):
    """A project with recordings that its tests use, and with unused ones."""
    sample.module("tests/test_a", TWO)
    sample.module("tests/test_b", TWO)
    for name in (*USED, *GONE):
        Recording.of([]).save(sample.path / "tests" / "recordings" / f"{name}.jsonl")
    Recording.of([]).save(sample.path / "elsewhere" / "recordings" / "gone.jsonl")
    return sample


STALE = [f"tests/recordings/{name}.jsonl" for name in GONE]
OF_A = ["tests/recordings/test_a/test_gone.jsonl"]


@pytest.mark.parametrize("arguments", [(), ("tests",), ("-k", "test_one"), ("--collect-only",)])
def test_recordings_that_no_test_uses_are_listed(arguments, recorded):
    assert recorded.unused(*arguments) == STALE


@pytest.mark.parametrize(
    ("arguments", "listed"),
    [
        (("tests/test_a.py",), OF_A),
        (("tests/test_b.py",), []),
        (("--ignore=tests/test_b.py",), OF_A),
        (("tests/test_a.py::test_one",), []),
        (("tests/test_a.py::test_one", "tests/test_b.py"), []),
        (("-p", "cacheprovider", "--lf"), []),
    ],
)
def test_nothing_is_listed_that_a_test_not_collected_may_use(arguments, listed, recorded):
    assert recorded.unused(*arguments) == listed


@pytest.mark.parametrize(
    "code", ["import missing", "pytest.skip(allow_module_level=True)", "class Test: a = 1 / 0"]
)
def test_modules_that_could_not_be_collected_keep_their_recordings(code, recorded):
    recorded.module("tests/test_a", code)
    assert recorded.unused() == []
    recorded.module("tests/test_a", TWO)
    assert recorded.unused() == STALE


def test_a_test_that_fails_or_is_skipped_keeps_its_recording(recorded):
    recorded.module("tests/test_a", f"{TWO}\npytestmark = pytest.mark.skip")
    assert recorded.unused() == STALE
    recorded.module("tests/test_a", TWO.replace("pass", "assert False"))
    assert recorded.unused("-x") == STALE


def test_a_marker_that_comes_late_keeps_its_recording(recorded):
    recorded.module(
        "tests/test_b",
        """
@pytest.fixture(autouse=True)
def _late(request):
    request.applymarker(pytest.mark.recording("gone"))
"""
        + TWO,
    )
    own = [name for name in recorded.files if "/test_b/" in name]
    assert recorded.unused() == sorted({*STALE, *own} - {"tests/recordings/gone.jsonl"})


def test_without_a_test_that_uses_recordings_nothing_is_printed(sample):
    (sample.path / "test_plain.py").write_text("def test_it(): pass")
    (sample.path / "recordings").mkdir()
    (sample.path / "recordings" / "of-another-program.jsonl").write_text("{}")
    result = sample.run()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*recordings that*")


def test_doctests_have_no_recordings(sample):
    sample.module("test_a", '"""\n>>> 1\n1\n"""\n' + TWO)
    sample.record("--doctest-modules")
    assert sample.unused("--doctest-modules") == []
