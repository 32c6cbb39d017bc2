"""Which of many recordings answers a request that comes to `streamfold serve`.

Where a request is sent (`place`: the path in front of `/v1/messages`) may name a recording: then
that one answers, whatever is asked. Else the recordings below that place are asked for one of the
same body; method, URL and headers do not count, for they are never those of the real API. Those
that do not know their request answer what no other fits.

No I/O but the reading of the files at the start, and no HTTP.
"""

from __future__ import annotations

import os
from pathlib import Path

import attrs
from streamfold.transports import RecordedRequest, Recording, UnmatchedRequestError, recording_files
from streamfold.transports.recording import Redaction, fitting, next_of, redacted_request

__all__ = ["Entry", "Repertoire"]


@attrs.define(eq=False)
class Entry:
    """A recording that can be played.

    Attributes:
        name: its path below the directory that is served, without suffix, with `/`.
        file: its file's name in that directory.
        recording: what it holds.
        request: what it answers, without secrets and as if sent to this server; if it knows that.
        plays: how often it was played.
    """

    name: str
    file: str
    recording: Recording
    request: RecordedRequest | None
    plays: int = 0


class Repertoire:
    """The recordings that are served, and how often each was played."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Read the recordings.

        Args:
            path: a file, which then answers every request, or a directory.

        Raises:
            OSError: something there cannot be read.
            RecordingError: a file is no recording.
        """
        self._alone = not os.path.isdir(path)
        folder = Path(path).parent if self._alone else Path(path)
        files = [Path(path)] if self._alone else recording_files(path)
        self.entries = tuple(_entry(file, folder) for file in files)

    def answer(self, place: str, content: bytes) -> Entry:
        """The recording that answers a request: the first that fits and was not played yet, or the
        last that fits.

        Args:
            place: where it was sent, without a slash at either end.
            content: its body.

        Raises:
            UnmatchedRequestError: there is none.
        """
        named = [entry for entry in self.entries if self._alone or entry.name == place]
        chosen = next_of(named or self._fitting(self._below(place), content))
        chosen.plays += 1
        return chosen

    def _below(self, place: str) -> list[Entry]:
        """The recordings in the directory `place`."""
        prefix = f"{place}/" if place else ""
        below = [entry for entry in self.entries if entry.name.startswith(prefix)]
        if not below:
            raise UnmatchedRequestError(
                f"there is no recording called {place!r}, nor a directory of recordings"
            )
        return below

    def _fitting(self, entries: list[Entry], content: bytes) -> list[Entry]:
        asked = redacted_request(RecordedRequest.sent(_METHOD, _URL, (), content), Redaction())
        return fitting(entries, asked, lambda entry: entry.file)


def _entry(file: Path, folder: Path) -> Entry:
    recording = Recording.load(file)
    request = recording.redacted().request
    relative = file.relative_to(folder)
    return Entry(
        name=relative.with_suffix("").as_posix(),
        file=relative.as_posix(),
        recording=recording,
        request=request and attrs.evolve(request, method=_METHOD, url=_URL),
    )


_METHOD, _URL = "POST", "/v1/messages"
