"""The pytest plugin: tests that stream from the API once, and from recordings ever after.

    def test_greeting(recorded_streams):
        http = httpx.Client(transport=recorded_streams.transport)
        client = Anthropic(http_client=http)
        …

`pytest --record-streams=once` sends what has no recording yet, and records it beside the test's
module, as `recordings/<module>/<test>.jsonl`; commit these files. Without the flag, which is how CI
runs, nothing is sent: a test without its recording fails, and says how to make one.

A test that is not the only one to use a recording names it: `@pytest.mark.recording("weather")` is
`recordings/weather.jsonl`. What to send with while recording is the fixture `recording_transport`,
there to be overridden. What must not be written, beside keys and cookies, is what
`recording_secrets` in the configuration names.

At the end of a run, recordings that no test has any use for are listed; but only where all tests
that could have one were collected. Under xdist nobody knows that, and nothing is listed.

pytest loads this wherever streamfold is installed: nothing is imported here but pytest, and
nothing is said where no test asks for `recorded_streams`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from .pytest_transports import RecordedStreams

__all__ = ["recorded_streams", "recording_transport"]

_FOLDER = "recordings"
_SUFFIX = ".jsonl"
_FIXTURE = "recorded_streams"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The flag, and what the configuration may say."""
    parser.getgroup("streamfold", "recorded streams").addoption(
        "--record-streams",
        choices=("none", "once", "all"),
        default="none",
        help="send real requests, and record them: none (default), once (what has no recording "
        "yet), all (everything again)",
    )
    parser.addini(
        "recording_secrets",
        "names of headers, URL parameters and JSON keys whose values no recording may show, beside "
        "the usual ones",
        type="args",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Tell of the marker, and watch what is collected."""
    config.addinivalue_line(
        "markers",
        "recording(name=None, *, match='request', speed=0): the recording that `recorded_streams` "
        "replays or makes, if it is not the test's own; what a request is matched by, and how many "
        "times as fast as recorded the answer comes (0: at once)",
    )
    config.stash[_COLLECTED] = _Collected(config)
    config.pluginmanager.register(config.stash[_COLLECTED])


# --- fixtures -----------------------------------------------------------------------------------


@pytest.fixture
def recording_transport() -> Any:
    """What requests are sent with while they are recorded: override it with a transport of httpx,
    or of httpx2 for `httpx2_transport`. `None` is the library's own.
    """
    return None


@pytest.fixture
def recorded_streams(request: pytest.FixtureRequest) -> RecordedStreams:
    """The transports that record or replay the streams of this test: see `RecordedStreams`."""
    from .pytest_transports import RecordedStreams

    try:
        marked = _marked(request.node)
        path = _path(request.node)
    except (TypeError, ValueError) as error:
        pytest.fail(f"@pytest.mark.recording: {error}", pytrace=False)
    mode = request.config.getoption("--record-streams")
    record = mode == "all" or (mode == "once" and not path.exists())
    streams = RecordedStreams(
        path,
        record=record,
        inner=request.getfixturevalue("recording_transport") if record else None,
        nodeid=request.node.nodeid,
        secrets=request.config.getini("recording_secrets"),
        match=marked.match,
        speed=marked.speed,
    )
    request.config.stash[_COLLECTED].used.add(path)
    return streams


# --- which file ---------------------------------------------------------------------------------


class _Marked(NamedTuple):
    """What the marker says."""

    name: str | None
    match: Any
    speed: float


def _marked(item: pytest.Item) -> _Marked:
    """What the markers of a test say.

    Raises:
        TypeError: they say what the marker has no room for.
        ValueError: the name is none.
    """

    def recording(name: str | None = None, *, match: str = "request", speed: float = 0) -> _Marked:
        if name is not None and not re.fullmatch(r"[\w-]+(/[\w-]+)*", name):
            raise ValueError(
                f"a recording's name is made of letters, digits, _ and -, with / below a folder: "
                f"{name!r}"
            )
        return _Marked(name, match, speed)

    marker = item.get_closest_marker("recording")
    return recording(*marker.args, **marker.kwargs) if marker else recording()


def _path(item: pytest.Item) -> Path:
    """The file of a test's first request; those of the others have `-2`, `-3`, … in their names."""
    folder = item.path.parent / _FOLDER
    name = _marked(item).name
    return folder / f"{name or f'{item.path.stem}/{_own_name(item)}'}{_SUFFIX}"


_SAFE = re.compile(r"([A-Z_a-z][\w]*\.)*[a-z_][a-z0-9_]*(\[[a-z0-9_.-]+\])?", re.ASCII)
_SAFE_LENGTH = 120


def _own_name(item: pytest.Item) -> str:
    """The name of a test in its module, as a file can have it on every system.

    Two tests never have the same one. What a file name cannot have, or what only differs by upper
    and lower case, is told apart by a hash.
    """
    classes = [node.name for node in item.listchain() if isinstance(node, pytest.Class)]
    name = ".".join([*classes, item.name])
    if _SAFE.fullmatch(name) and len(name) <= _SAFE_LENGTH:
        return name
    readable = re.sub(r"[^A-Za-z0-9_.]+", "-", name)[: _SAFE_LENGTH // 2].strip("-.")
    return f"{readable}~{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


# --- which are not used -------------------------------------------------------------------------


class _Collected:
    """What was collected, and with that, which recordings could be of use.

    A recording is not used if no test that was collected has it, whether that test was run or
    not; provided that all who could have it were collected: its module, if it is in the folder of
    one, and else all modules beside that folder.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._items: list[pytest.Item] = []
        self._whole: set[Path] = set()
        self._broken: set[Path] = set()
        self.used: set[Path] = set()

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Note a test; it may be deselected later."""
        self._items.append(item)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note whether a module, or a class in it, could be collected."""
        path = Path(os.path.normpath(self._config.rootpath / report.nodeid.partition("::")[0]))
        (self._whole if report.passed else self._broken).add(path)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """List what is not used, if anything is and that is certain."""
        unused = self._unused()
        if unused:
            terminalreporter.section("recordings that no test uses", sep="-")
            for path in unused:
                terminalreporter.line(os.path.relpath(path, self._config.invocation_params.dir))

    def _unused(self) -> list[Path]:
        folders = {
            item.path.parent / _FOLDER
            for item in self._items
            if _FIXTURE in getattr(item, "fixturenames", ())
        }
        if not folders or self._is_selection():
            return []
        used = {*self.used, *self._paths()}
        return sorted(
            path
            for folder in folders
            for path in folder.rglob(f"*{_SUFFIX}")
            if used.isdisjoint((path, _first(path))) and self._have_all(self._owners(folder, path))
        )

    def _is_selection(self) -> bool:
        """Whether some modules were collected in part: tests were named, or those that failed."""
        named = any("::" in argument for argument in self._config.args)
        return named or bool(self._config.getoption("lf", False))

    def _paths(self) -> Iterator[Path]:
        for item in self._items:
            with suppress(TypeError, ValueError):  # it has failed with that
                yield _path(item)

    def _owners(self, folder: Path, path: Path) -> list[Path]:
        """The modules whose tests could use the recording at `path`."""
        beside = folder.parent
        own = beside / f"{path.relative_to(folder).parts[0]}.py"
        if own.is_file():
            return [own]
        patterns = self._config.getini("python_files")
        return [
            module
            for module in beside.glob("*.py")
            if any(fnmatch(module.name, pattern) for pattern in patterns)
        ]

    def _have_all(self, modules: list[Path]) -> bool:
        return self._whole.issuperset(modules) and self._broken.isdisjoint(modules)


def _first(path: Path) -> Path:
    """The file of the first request of those that were recorded together."""
    return path.with_name(re.sub(r"-\d+$", "", path.stem) + path.suffix)


_COLLECTED = pytest.StashKey[_Collected]()
