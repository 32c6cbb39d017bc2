"""The transports of a test: they record all its requests, or replay them all."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from streamfold.adapters.pytest_transports import RecordedStreams

from tests.support.sample_project import sample

__all__ = ["sample"]

pytest_plugins = ["pytester"]


def test_one_recording_serves_both_libraries(sample):
    sample.module(
        "test_both",
        """
def test_it(recorded_streams):
    assert list(ours(recorded_streams, "Hello")) == ["Hi"]
    if not recorded_streams.record:
        assert list(official(recorded_streams, "Hello")) == ["Hi"]
        assert recorded_streams.transport is recorded_streams.transport
""",
    )
    code = sample.path / "test_both.py"
    code.write_text(code.read_text().replace("def asked(word):", EXACTLY + "def asked(word):"))
    sample.record()[0].assert_outcomes(passed=1)
    sample.run().assert_outcomes(passed=1)


EXACTLY = """
OPTIONS["base_url"] = URL
"""


def test_without_a_recording_the_failure_names_the_command_that_records_it(sample):
    sample.module(
        "test_chat",
        """
@pytest.mark.parametrize("word", ["it's"])
def test_it(recorded_streams, word):
    assert list(ours(recorded_streams, word)) == ["Hi"]

def test_that_asks_nothing(recorded_streams):
    pass
""",
    )
    result = sample.run()
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        [
            "there is no recording for this test: *test_it-it-s~*.jsonl is missing.",
            "To record it, with real requests to the API, run",
            "*pytest --record-streams=once *",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    assert sample.files == []


def test_all_records_again_and_removes_older_recordings(sample):
    sample.module(
        "test_chat",
        """
def test_it(recorded_streams):
    words = os.environ["WORDS"].split()
    assert list(ours(recorded_streams, *words)) == os.environ["ANSWERS"].split()
""",
    )
    turns = [f"recordings/test_chat/test_it{number}.jsonl" for number in ("-2", "-3", "")]
    sample.monkeypatch.setenv("WORDS", "a b c")
    sample.monkeypatch.setenv("ANSWERS", "1 2 3")
    sample.record(answers="123")[0].assert_outcomes(passed=1)
    assert sample.files == turns
    sample.run().assert_outcomes(passed=1)
    sample.monkeypatch.setenv("WORDS", "a b")
    sample.monkeypatch.setenv("ANSWERS", "4 5")
    sample.run("--record-streams=once").assert_outcomes(failed=1)
    sample.record(answers="45", mode="all")[0].assert_outcomes(passed=1)
    assert sample.files == [turns[0], turns[2]]
    sample.run().assert_outcomes(passed=1)


def test_without_httpx2_the_error_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "httpx2", None)
    monkeypatch.delitem(sys.modules, "streamfold.adapters.httpx2")
    with pytest.raises(ImportError, match=r"pip install 'streamfold\[httpx2\]'"):
        _ = RecordedStreams(Path("test_it.jsonl")).httpx2_transport


def test_another_request_fails_with_its_difference(sample):
    code = """
def test_it(recorded_streams):
    assert list(ours(recorded_streams, "Hello")) == ["Hi"]
"""
    sample.module("test_chat", code)
    sample.record()
    sample.module("test_chat", code.replace("Hello", "Good-bye"))
    result = sample.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*UnmatchedRequestError: no recording fits *", "*Good-bye*"])
