"""The report of a test whose request has no recording: short, with the command that records it."""

from __future__ import annotations

from tests.support.sample_project import sample

__all__ = ["sample"]

pytest_plugins = ["pytester"]


def test_the_report_is_the_difference_and_the_command(sample):
    code = """
def test_ours(recorded_streams):
    assert list(ours(recorded_streams, "Hello")) == ["Hi"]

@pytest.mark.parametrize("word", ["a b"])
def test_official(recorded_streams, word):
    assert list(official(recorded_streams, "Hello")) == ["Hi"]

def test_in_a_group(recorded_streams):
    try:
        list(ours(recorded_streams, "Hello"))
    except BaseException as error:
        class Group(Exception):
            exceptions = [ValueError(), error]
        raise Group() from None

@pytest.fixture
def greeting(recorded_streams):
    return list(ours(recorded_streams, "Hello"))

def test_in_a_fixture(greeting):
    assert greeting == ["Hi"]

def test_of_another_kind(recorded_streams):
    assert list(ours(recorded_streams, "Unchanged")) == [os.environ.get("SAMPLE_ANSWER", "Hi")]
"""
    sample.module("test_chat", code)
    sample.record()[0].assert_outcomes(passed=5)
    sample.module("test_chat", code.replace("Hello", "Goodbye"))
    sample.monkeypatch.setenv("SAMPLE_ANSWER", "Bye")
    result = sample.run()
    result.assert_outcomes(failed=4, errors=1)
    text = result.stdout.str()
    reports = [report.split("-- streams of this test")[0] for report in text.split("_ test_")[1:]]
    assert len(reports) == 4
    for name in ("ours", "official[a b]", "in_a_group"):
        (report,) = [report for report in reports if report.startswith(f"{name} _")]
        lines = report.splitlines()
        assert len(lines) < 20
        assert lines[1].startswith("test_chat.py:")
        assert "no recording fits POST" in lines[1]
        assert '-      "content": "Hello",' in lines
        assert '+      "content": "Goodbye",' in lines
        command = "    pytest --record-streams=all "
        assert any(line.startswith(command) and name[:6] in line for line in lines)
    assert "--record-streams=all 'test_chat.py::test_official[a b]'" in text
    assert "E       AssertionError: assert ['Hi'] == ['Bye']" in text
    (fixture,) = text.split("ERROR at setup of test_in_a_fixture")[1:]
    assert len(fixture.split("pytest --record-streams=all")[0].splitlines()) < 20
    assert text.count("site-packages") == 0


def test_paths_are_those_of_the_folder_in_which_pytest_was_started(sample, monkeypatch):
    code = """
def test_it(recorded_streams):
    assert list(ours(recorded_streams, "Hello")) == ["Hi"]
"""
    sample.pytester.makeini("[pytest]")
    sample.module("unit/test_chat", code)
    sample.record()[0].assert_outcomes(passed=1)
    sample.module("unit/test_chat", code.replace("Hello", "Bye"))
    monkeypatch.chdir(sample.path / "unit")
    sample.run().stdout.fnmatch_lines(
        [
            "*; the nearest of 1 is recordings/test_chat/test_it.jsonl",
            "    pytest --record-streams=all test_chat.py::test_it",
        ]
    )
    monkeypatch.chdir(sample.path / "unit" / "recordings")
    (sample.path / "unit" / "recordings" / "test_chat" / "test_it.jsonl").unlink()
    sample.run("..").stdout.fnmatch_lines(
        [
            "*: test_chat/test_it.jsonl is missing.",
            "    pytest --record-streams=once ../test_chat.py::test_it",
        ]
    )


def test_a_transport_of_the_test_itself_may_have_recordings_without_files(sample):
    code = """
from streamfold.transports import Recording, RecordedRequest, ReplayTransport

def test_it(recorded_streams):
    request = RecordedRequest("GET", "https://example.com/")
    transport = ReplayTransport(Recording([], request=request))
    httpx.Client(transport=transport).post("https://example.com/")
"""
    sample.module("test_chat", code)
    sample.run().stdout.fnmatch_lines(["test_chat.py:*; the nearest of 1 is recording 1"])
