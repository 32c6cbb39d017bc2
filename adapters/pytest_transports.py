"""`RecordedStreams`, the value of the fixture `recorded_streams`: transports for one test.

The class has a module apart from the plugin because it imports httpx, and pytest imports the plugin
in every run.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import count, takewhile
from pathlib import Path
from typing import Any, Literal, cast

import attrs
import httpx
import pytest
from streamfold.transports import RecordingTransport, ReplayTransport
from streamfold.transports.recording import numbered, write_whole

__all__ = ["RecordedStreams"]

_TRANSPORTS = {"transport", "httpx2_transport"}
"""The attributes that hold a transport once the test has taken it."""


@attrs.frozen(slots=False)
class RecordedStreams:
    """The transports of one test, which record its streams or replay them.

    Attributes:
        path: the recording of the first request; those of later ones are beside it, with `-2`,
            `-3`, … in their names.
        draft: the file for the new recording of the first request, until the test has passed;
            `None` to send nothing and replay.
        inner: the transport that sends the requests; `None` for the library's own.
        missing: the text of the failure if the recording is missing.
        secrets: further names whose values are left out of recordings: see `Recording.redacted`.
        match: the rule by which a request finds its recording: see `ReplayTransport`.
        speed: a factor on the recorded speed; 0 for no delay.
    """

    path: Path
    draft: Path | None = None
    inner: Any = None
    missing: str = "there is no recording for this test"
    secrets: Sequence[str] = ()
    match: Literal["request", "order"] = "request"
    speed: float = 0.0

    @property
    def record(self) -> bool:
        """True to send the requests and record the answers, false to replay them."""
        return self.draft is not None

    @property
    def is_used(self) -> bool:
        """Whether the test has taken one of the transports."""
        return not _TRANSPORTS.isdisjoint(vars(self))

    @cached_property
    def transport(self) -> RecordingTransport | ReplayTransport:
        """For `httpx.Client` and `httpx.AsyncClient`."""
        return cast(
            "RecordingTransport | ReplayTransport",
            self._transport(httpx, RecordingTransport, ReplayTransport),
        )

    @cached_property
    def httpx2_transport(self) -> Any:
        """For the clients of httpx2, on which the official SDK is built.

        Raises:
            ImportError: httpx2 is not installed.
        """
        from .httpx2 import RecordingTransport, ReplayTransport

        # isort: split
        import httpx2  # after the import above, whose error names the extra

        return self._transport(httpx2, RecordingTransport, ReplayTransport)

    def _transport(self, http: Any, recording: type[Any], replaying: type[Any]) -> Any:
        if self.draft is None:
            return self._replayer(replaying)
        inner = _Network(http) if self.inner is None else self.inner
        return recording(inner, self.draft, secrets=self.secrets)

    def _replayer(self, replaying: type[Any]) -> Any:
        paths = self.paths()
        if not paths:
            pytest.fail(self.missing, pytrace=False)
        return replaying(paths, match=self.match, speed=self.speed, secrets=self.secrets)

    def paths(self) -> list[Path]:
        """The recordings that exist, in the order of their requests; the new ones if it records."""
        return _existing(self.draft or self.path)

    def read_paths(self) -> list[Path]:
        """Those recordings whose streams the test has received."""
        if self.record:
            return self.paths()
        made = [vars(self)[name] for name in _TRANSPORTS.intersection(vars(self))]
        return [path for path in self.paths() if any(path not in one.unused for one in made)]

    def keep(self) -> None:
        """Replace the recordings of the test with the new ones, after it has passed.

        Raises:
            OSError: a file cannot be written.
        """
        new = self.paths()
        for number, path in enumerate(new, 1):
            write_whole(numbered(self.path, number), path.read_bytes())
        for path in _existing(self.path)[len(new) :]:
            path.unlink()


def _existing(first: Path) -> list[Path]:
    paths = (numbered(first, number) for number in count(1))
    return list(takewhile(Path.exists, paths))


class _Network:
    """The default transport of the library `http`, sync or async, made at its first use."""

    def __init__(self, http: Any) -> None:
        self._http = http

    @cached_property
    def _sync(self) -> Any:
        return self._http.HTTPTransport()

    @cached_property
    def _async(self) -> Any:
        return self._http.AsyncHTTPTransport()

    def handle_request(self, request: Any) -> Any:
        return self._sync.handle_request(request)

    async def handle_async_request(self, request: Any) -> Any:
        return await self._async.handle_async_request(request)

    def close(self) -> None:
        self._sync.close()

    async def aclose(self) -> None:
        await self._async.aclose()
