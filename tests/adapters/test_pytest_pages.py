"""Pages of the inspector in the reports of failing tests."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from streamfold.adapters.inspector import render
from streamfold.adapters.pytest_pages import written_pages
from streamfold.transports import Recording

from tests.support.sample_project import sample
from tests.support.shells import BODY

__all__ = ["sample"]

pytest_plugins = ["pytester"]


def test_each_recording_has_a_page(tmp_path):
    recordings = [tmp_path / "one.jsonl", tmp_path / "one-2.jsonl"]
    for path in recordings:
        Recording.of([BODY]).save(path)
    broken = tmp_path / "broken.jsonl"
    broken.write_text("{")
    folder = tmp_path / "pages"
    folder.mkdir()
    lines = written_pages([*recordings, broken], folder).splitlines()
    assert lines == [(folder / f"{name}.html").as_uri() for name in ("one", "one-2")]
    page = (folder / "one.html").read_text("utf-8")
    assert page == render(Recording.load(recordings[0]), name=str(recordings[0]))


def test_a_failing_test_names_its_page(sample):
    sample.module(
        "test_chat",
        """
def test_wrong(recorded_streams):
    assert list(ours(recorded_streams, "Hello")) == [os.environ.get("SAMPLE_ANSWER", "Hi")]

def test_right(recorded_streams):
    assert list(ours(recorded_streams, "Hello")) == ["Hi"]

def test_without_streams():
    assert False
""",
    )
    sample.record()
    sample.monkeypatch.setenv("SAMPLE_ANSWER", "Bye")
    result = sample.run()
    result.assert_outcomes(failed=2, passed=1)
    text = result.stdout.str()
    (address,) = re.findall(r"^file:.*\.html$", text, re.MULTILINE)
    assert "streams of this test, in the inspector" in text
    page = Path(unquote(urlsplit(address).path)).read_text("utf-8")
    assert "<title>" in page
    assert "test_wrong.jsonl" in page


def test_a_test_that_fails_while_it_records_has_a_page_of_the_new_answer(sample):
    sample.module(
        "test_chat",
        """
def test_wrong(recorded_streams):
    assert list(ours(recorded_streams, "Hello")) == ["Bye"]
""",
    )
    result, _ = sample.record()
    result.stdout.re_match_lines([r"file:.*test_wrong\.html"])
    assert sample.files == []


def test_a_test_that_read_no_stream_has_no_page(sample):
    code = """
def test_ours(recorded_streams):
    assert list(ours(recorded_streams, "Hello")) == ["Hi"]
"""
    sample.module("test_chat", code)
    sample.record()[0].assert_outcomes(passed=1)
    unread = "def test_ours(recorded_streams): assert False"
    for other in (unread, code.replace("Hello", "Bye")):
        sample.module("test_chat", other)
        result = sample.run()
        result.assert_outcomes(failed=1)
        result.stdout.no_fnmatch_line("*in the inspector*")


def test_a_missing_recording_has_no_page(sample):
    sample.module(
        "test_chat",
        """
def test_ours(recorded_streams):
    assert list(ours(recorded_streams, "Hello")) == ["Hi"]
""",
    )
    sample.run().stdout.no_fnmatch_line("*in the inspector*")
