"""The pytest plugin, in sample projects: tests recorded once, then green without a network."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from streamfold.transports import Recording

from tests.support.sample_project import KEY, sample

__all__ = ["sample"]

pytest_plugins = ["pytester"]

PLUGIN = "streamfold.adapters.pytest_plugin"


def test_recorded_once_and_then_green_without_a_network(sample):
    sample.module(
        "test_chat",
        """
def test_ours(recorded_streams):
    assert list(ours(recorded_streams, "Hello")) == ["Hi"]

def test_official(recorded_streams):
    assert list(official(recorded_streams, "Hello")) == ["Hi"]

def test_async(recorded_streams):
    assert asyncio.run(ours_async(recorded_streams, "Hello")) == "Hi"

class TestClass:
    @pytest.mark.parametrize("word", ["one", "TWO", "a/b"])
    def test_words(self, recorded_streams, word):
        assert list(ours(recorded_streams, word)) == ["Hi"]
""",
    )
    result, requests = sample.record()
    result.assert_outcomes(passed=6)
    assert len(requests) == 6
    assert all(KEY in "".join(request.headers.values()) for request in requests)
    assert [re.sub("~.*[.]", "~….", name) for name in sample.files] == [
        "recordings/test_chat/TestClass.test_words-TWO~….jsonl",
        "recordings/test_chat/TestClass.test_words-a-b~….jsonl",
        "recordings/test_chat/TestClass.test_words[one].jsonl",
        "recordings/test_chat/test_async.jsonl",
        "recordings/test_chat/test_official.jsonl",
        "recordings/test_chat/test_ours.jsonl",
    ]
    result = sample.run()
    result.assert_outcomes(passed=6)
    result.stdout.no_fnmatch_line("*recordings*")
    sample.run("--record-streams=once").assert_outcomes(passed=6)


def test_the_transport_that_records_can_be_overridden(sample):
    code = """
@pytest.fixture
def recording_transport():
    body = b"data: {}\\\\n\\\\n"
    return httpx.MockTransport(lambda request: httpx.Response(200, stream=httpx.ByteStream(body)))

def test_it(recorded_streams):
    with httpx.Client(transport=recorded_streams.transport) as http:
        assert http.post("https://example.com/").text == "data: {}\\\\n\\\\n"
"""
    sample.module("test_chat", code)
    sample.run("--record-streams=once").assert_outcomes(passed=1)
    sample.module("test_chat", code.replace("body =", "assert not 'needed for a replay'; body ="))
    sample.run().assert_outcomes(passed=1)


def test_secrets_that_the_configuration_names_are_not_written_and_still_match(sample):
    sample.pytester.makeini("[pytest]\nrecording_secrets = x-team user_id")
    code = """
def test_it(recorded_streams):
    headers = {"x-team": "secret-of-the-team", "user-agent": "public"}
    with httpx.Client(transport=recorded_streams.transport, headers=headers) as http:
        http.post(URL, json={"metadata": {"user_id": "secret-of-the-user"}})
"""
    sample.module("test_chat", code)
    sample.record()[0].assert_outcomes(passed=1)
    recorded = (sample.path / sample.files[0]).read_text("utf-8")
    assert "secret-of" not in recorded
    assert "public" in recorded
    sample.module("test_chat", code.replace("secret-of-the-user", "another-one"))
    sample.run().assert_outcomes(passed=1)


def test_pytest_knows_the_marker_and_the_flag(sample):
    result = sample.run("--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.recording(name=None, *"])
    sample.run("--record-streams=sometimes").stderr.fnmatch_lines(["*invalid choice*"])


def test_under_xdist_tests_replay_and_nothing_is_listed(sample):
    pytest.importorskip("xdist")
    code = """
import httpx

def test_it(recorded_streams):
    with httpx.Client(transport=recorded_streams.transport) as http:
        assert http.post("https://example.com").text == "data: {}"
"""
    for name in ("test_a", "test_b"):
        (sample.path / f"{name}.py").write_text(code)
        Recording.of([b"data: {}"]).save(sample.path / "recordings" / name / "test_it.jsonl")
    Recording.of([]).save(sample.path / "recordings" / "gone.jsonl")
    assert sample.unused() == ["recordings/gone.jsonl"]
    result = sample.pytester.runpytest_subprocess("-p", "xdist", "-p", PLUGIN, "-n2")
    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("*recordings that*")


def test_loading_the_plugin_imports_nothing_heavy():
    heavy = ("httpx", "httpx2", "hypothesis", "asyncio", "attrs", "streamfold.transports")
    code = f"import pytest, sys; before = set(sys.modules); import {PLUGIN}; " + (
        f"print([m for m in {heavy} if m in sys.modules and m not in before])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert done.stdout.decode().strip() == "[]", done.stderr


@pytest.mark.parametrize("mode", ["none", "once"])
def test_a_test_that_does_not_use_the_transports_gets_a_warning(mode, sample):
    code = """
def test_forgotten(recorded_streams):
    httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200))).get(URL)

def test_failed(recorded_streams):
    assert False

def test_skipped(recorded_streams):
    pytest.skip()

@pytest.fixture
def used(recorded_streams):
    return recorded_streams.record and recorded_streams.httpx2_transport

def test_used(used):
    pass
"""
    sample.module("test_chat", code)
    forgotten = 2 if mode == "none" else 1
    result = sample.run(f"--record-streams={mode}")
    result.assert_outcomes(passed=2, failed=1, skipped=1, warnings=forgotten)
    result.stdout.fnmatch_lines(
        ["test_chat.py::test_forgotten", "*PytestWarning: the test takes recorded_streams, but *"]
    )
    result = sample.run(f"--record-streams={mode}", "-W", "error", "-k", "test_forgotten")
    result.assert_outcomes(passed=1, errors=1)


def test_a_replay_needs_no_key(sample, monkeypatch):
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    sample.module(
        "test_chat",
        """
import os

def test_it(recorded_streams):
    assert os.environ.get("ANTHROPIC_API_KEY") == "replayed"
""",
    )
    sample.run().assert_outcomes(passed=1)
