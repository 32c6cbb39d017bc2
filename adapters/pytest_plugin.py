"""The pytest plugin: tests that stream from the API once, and from recordings afterwards.

    def test_greeting(recorded_streams):
        http = httpx.Client(transport=recorded_streams.transport)
        client = Anthropic(http_client=http)
        …

`pytest --record-streams=once` sends the requests that have no recording yet, and records their
answers beside the test's module, as `recordings/<module>/<test>.jsonl`. Commit these files. Without
the flag, as in CI, the transport sends nothing: a test fails if its recording is missing or answers
another request, and the failure names the command that records it.

Only a test that passes writes its recordings. After a failure the old ones stay, and the end of the
run lists them.

A test that shares its recording names it: `@pytest.mark.recording("weather")` is
`recordings/weather.jsonl`. Override the fixture `recording_transport` to send the requests through
another transport. Keys and cookies are never written; `recording_secrets` in the configuration
names further secrets.

At the end of a run the recordings that no test uses are listed, if all tests that could use them
were collected. Under xdist no process knows that, and nothing is listed.

The report of a test that failed names a page of the inspector for each of its recordings.

pytest loads this module wherever streamfold is installed, so it imports nothing heavy, and it
prints nothing unless a test uses `recorded_streams`.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from .pytest_file_names import recording_command, recording_marker, recording_path, shown_path
from .pytest_unused import Collection
from .pytest_unwritten import Unwritten, note_unwritten

if TYPE_CHECKING:
    from .pytest_transports import RecordedStreams

__all__ = ["recorded_streams", "recording_transport"]

_FIXTURE = "recorded_streams"
_KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
_COLLECTION = pytest.StashKey[Collection]()
_STREAMS = pytest.StashKey["tuple[RecordedStreams, pytest.TempPathFactory]"]()
_PASSED = pytest.StashKey[bool]()
_UNUSED_TRANSPORT = (
    "the test takes recorded_streams, but none of its transports, so requests that it sent went "
    "elsewhere: pass httpx.Client(transport=recorded_streams.transport) to the client, or leave "
    "the fixture out if the test sends no request"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flag and the setting."""
    parser.getgroup("streamfold", "recorded streams").addoption(
        "--record-streams",
        choices=("none", "once", "all"),
        default="none",
        help="send real requests and record the answers: none (default), once (for tests without "
        "a recording), all (again for every test)",
    )
    parser.addini(
        "recording_secrets",
        "names of headers, URL parameters and JSON keys whose values are left out of recordings, "
        "in addition to keys and cookies",
        type="args",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and watch the collection."""
    config.addinivalue_line(
        "markers",
        "recording(name=None, *, match='request', speed=0): the name of the recording that "
        "`recorded_streams` replays or makes, by default the test's own; the rule by which a "
        "request finds its recording; a factor on the recorded speed (0: no delay)",
    )
    config.stash[_COLLECTION] = Collection(config, _FIXTURE)
    config.pluginmanager.register(config.stash[_COLLECTION])
    config.pluginmanager.register(Unwritten(config))


@pytest.fixture
def recording_transport() -> Any:
    """The transport that sends requests while they are recorded; `None` for the library's own.

    Override this fixture with a transport of httpx, or of httpx2 for `httpx2_transport`.
    """
    return None


@pytest.fixture
def recorded_streams(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RecordedStreams]:
    """The transports that record or replay the streams of this test: see `RecordedStreams`.

    A test that passes without one of the transports gets a warning, because requests that it sent
    were neither recorded nor replayed.
    """
    from .pytest_transports import RecordedStreams

    try:
        marker = recording_marker(request.node)
        path = recording_path(request.node)
    except (TypeError, ValueError) as error:
        pytest.fail(f"@pytest.mark.recording: {error}", pytrace=False)
    mode = request.config.getoption("--record-streams")
    record = mode == "all" or (mode == "once" and not path.exists())
    if not (record or any(os.environ.get(name) for name in _KEYS)):
        # clients refuse to start without a key, and a replay sends none
        request.getfixturevalue("monkeypatch").setenv(_KEYS[0], "replayed")
    streams = RecordedStreams(
        path,
        draft=tmp_path_factory.mktemp("recorded") / path.name if record else None,
        inner=request.getfixturevalue("recording_transport") if record else None,
        missing=f"there is no recording for this test: {shown_path(path, request.config)} is "
        "missing.\nTo record it, with real requests to the API, run\n"
        f"    {recording_command('once', request.node)}",
        secrets=request.config.getini("recording_secrets"),
        match=marker.match,
        speed=marker.speed,
    )
    request.config.stash[_COLLECTION].used.add(path)
    request.node.stash[_STREAMS] = streams, tmp_path_factory
    yield streams
    if request.node.stash.get(_PASSED, False) and not streams.is_used:
        request.node.warn(pytest.PytestWarning(_UNUSED_TRANSPORT))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Write the recordings of a test that passed, and pages of the inspector for one that failed.

    The report of a request without a recording is its error and the command that records the test
    again, without the frames of the HTTP library.
    """
    report = yield
    before = call.when == "setup" or item.stash.get(_PASSED, False)
    passed = item.stash[_PASSED] = before and report.passed
    if call.when == "teardown" and _STREAMS in item.stash:
        streams, _ = item.stash[_STREAMS]
        if streams.record and streams.is_used:
            _end_recording(streams, report, passed=passed)
    if report.failed and call.excinfo is not None and _STREAMS in item.stash:
        from .pytest_unmatched import unmatched_request

        report.longrepr = unmatched_request(call.excinfo, item) or report.longrepr
    if report.failed and call.when == "call" and _STREAMS in item.stash:
        from .pytest_pages import written_pages

        streams, folders = item.stash[_STREAMS]
        recordings = streams.read_paths()
        if recordings:
            pages = written_pages(recordings, folders.mktemp("inspector"))
            report.sections.append(("streams of this test, in the inspector", pages))
    return report


def _end_recording(streams: RecordedStreams, report: pytest.TestReport, *, passed: bool) -> None:
    """Keep the new recordings of a test that passed; note in the report if there are none."""
    if not (passed and streams.paths()):
        note_unwritten(report, streams.path, passed=passed)
        return
    try:
        streams.keep()
    except OSError as error:
        report.outcome = "failed"
        report.longrepr = f"the recording could not be written: {error}"
