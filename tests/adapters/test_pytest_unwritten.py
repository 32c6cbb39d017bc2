"""Only a test that passes writes its recordings; the run lists those that were not written."""

from __future__ import annotations

import os

import pytest
from streamfold.adapters import pytest_plugin
from streamfold.transports import Recording

from tests.support.loopback import Server, api_error, reset
from tests.support.sample_project import answer, sample

__all__ = ["sample"]

pytest_plugins = ["pytester"]

CODE = """
def test_it(recorded_streams):
    assert list(ours(recorded_streams, "Hello")) == ["Hi"]
"""
FILE = "recordings/test_chat/test_it.jsonl"
KEPT = f"{FILE}: kept the old recording, because the test did not pass"
NOTHING = f"{FILE}: nothing was written, because the test did not pass"


def record(sample, mode, *answers):
    """Record with these raw answers; return the result."""
    with Server() as server:
        sample.monkeypatch.setenv("SAMPLE_URL", server.url)
        server.answer(*answers)
        return sample.run(f"--record-streams={mode}")


@pytest.fixture
def recorded(sample):
    """A project with the recording of its only test."""
    sample.module("test_chat", CODE)
    result, _ = sample.record()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*not written*")
    return sample


@pytest.mark.parametrize(
    "answers", [[api_error(404, "not_found_error")], [answer("Bye")], [[reset]]]
)
def test_a_test_that_fails_keeps_its_old_recording(answers, recorded):
    before, url = (recorded.path / FILE).read_bytes(), os.environ["SAMPLE_URL"]
    result = record(recorded, "all", *answers)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*- recordings that were not written -*", KEPT])
    assert (recorded.path / FILE).read_bytes() == before
    assert recorded.files == [FILE]
    recorded.monkeypatch.setenv("SAMPLE_URL", url)
    recorded.run().assert_outcomes(passed=1)


def test_without_a_key_the_old_recording_stays(recorded):
    code = CODE.replace("assert", "del os.environ['ANTHROPIC_API_KEY']; assert")
    recorded.module("test_chat", code)
    result = recorded.run("--record-streams=all")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([KEPT])
    assert recorded.files == [FILE]


def test_a_test_that_fails_records_nothing(sample):
    sample.module("test_chat", CODE)
    result = record(sample, "once", api_error(401, "authentication_error"))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([NOTHING])
    assert sample.files == []
    record(sample, "once", answer("Hi")).assert_outcomes(passed=1)
    assert sample.files == [FILE]


def test_a_test_that_expects_an_error_records_it(sample):
    code = """
from streamfold.adapters.anthropic import NotFoundError

def test_it(recorded_streams):
    with pytest.raises(NotFoundError):
        list(ours(recorded_streams, "Hello"))
"""
    sample.module("test_chat", code)
    record(sample, "once", api_error(404, "not_found_error")).assert_outcomes(passed=1)
    assert Recording.load(sample.path / FILE).response.status == 404
    sample.run().assert_outcomes(passed=1)


def test_fixtures_count_as_parts_of_the_test(sample):
    code = """
@pytest.fixture
def greeting(recorded_streams):
    yield list(ours(recorded_streams, "Hello"))
    assert False

def test_it(greeting):
    assert greeting == ["Hi"]
"""
    sample.module("test_chat", code)
    result = record(sample, "once", answer("Hi"))
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([NOTHING])
    sample.module("test_chat", code.replace("yield", "assert not"))
    record(sample, "once", answer("Hi")).assert_outcomes(errors=1)
    assert sample.files == []


def test_a_stream_that_a_fixture_closes_is_recorded(sample):
    code = """
@pytest.fixture
def http(recorded_streams):
    with httpx.Client(transport=recorded_streams.transport) as client:
        yield client

def test_it(http):
    http.send(http.build_request("POST", URL), stream=True)
"""
    sample.module("test_chat", code)
    record(sample, "once", answer("Hi")).assert_outcomes(passed=1)
    assert Recording.load(sample.path / FILE).ended == "cut"


def test_a_test_without_an_answer_keeps_its_old_recording(recorded):
    code = """
from streamfold.adapters.anthropic import APIConnectionError

def test_it(recorded_streams):
    with pytest.raises(APIConnectionError):
        list(ours(recorded_streams, "Hello"))
"""
    recorded.module("test_chat", code)
    recorded.monkeypatch.setenv("SAMPLE_URL", "http://127.0.0.1:1")
    result = recorded.run("--record-streams=all")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"{FILE}: kept the old recording, because no answer came"])
    assert recorded.files == [FILE]


def test_a_recording_that_cannot_be_written_is_an_error_of_its_test(sample):
    sample.module("test_chat", CODE)
    (sample.path / "recordings").write_text("a file where the folder must be")
    result = record(sample, "once", answer("Hi"))
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["the recording could not be written: *recordings*"])


def test_the_list_names_files_from_the_folder_of_the_command(recorded, monkeypatch):
    (recorded.path / "below").mkdir()
    monkeypatch.chdir(recorded.path / "below")
    result = recorded.run("--record-streams=all", "../test_chat.py")
    result.stdout.fnmatch_lines([f"../{KEPT}"])


def test_workers_of_xdist_report_it(sample):
    pytest.importorskip("xdist")
    code = """
import httpx

def test_it(recorded_streams):
    httpx.Client(transport=recorded_streams.transport)
    assert False
"""
    (sample.path / "test_chat.py").write_text(code)
    result = sample.pytester.runpytest_subprocess(
        *("-p", "xdist", "-p", pytest_plugin.__name__, "-n1", "--record-streams=once")
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([NOTHING])
