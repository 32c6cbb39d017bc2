"""The store of recordings: it loads them, and chooses the one that answers a request.

The replaying transport and `streamfold serve` answer from a store. All files are read when it is
made. It may be used by several threads; comparing requests takes no lock.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Union

import attrs

from .files import PathLike, check_regular, recording_files
from .matching import UnmatchedRequestError, same_request, unmatched
from .parts import RecordedRequest
from .redaction import Redaction
from .value import Recording

__all__ = ["RecordingStore", "Source", "StoredRecording"]

Source = Union[PathLike, Recording]
"""A recording, or the path of a recording, of a raw body, or of a folder of these."""


@attrs.define(eq=False)
class StoredRecording:
    """A recording in a store.

    Attributes:
        source: the path of its file, or the recording itself if it came without one.
        name: its name in error messages.
        recording: its content.
        request: the request that it answers, without secrets; `None` if it is unknown.
        plays: the number of requests that it has answered, since the last start over.
    """

    source: Path | Recording
    name: str
    recording: Recording
    request: RecordedRequest | None
    plays: int = 0


class RecordingStore:
    """Recordings, and the number of times each was played.

    >>> store = RecordingStore(Recording.of(b"data: {}\\n\\n"))
    >>> store.play_next().recording.body
    b'data: {}\\n\\n'
    >>> store.unused
    ()
    """

    def __init__(
        self,
        sources: Source | Iterable[Source],
        *,
        secrets: Iterable[str] = (),
        folder: Path | None = None,
        target: tuple[str, str] | None = None,
    ) -> None:
        """Load recordings.

        Args:
            sources: one source or several. The files of a folder are taken in natural order.
            secrets: further names of secrets, which are left out of comparisons: see
                `Recording.redacted`.
            folder: names are relative to this folder; by default they are whole paths.
            target: the method and URL that every recording answers, in place of the recorded ones.

        Raises:
            OSError: a file cannot be read.
            RecordingError: a file is not a recording.
            TypeError: `secrets` is one string.
        """
        self._secrets = Redaction(secrets).names
        self._target = target
        self.recordings = tuple(
            self._load(number, source, folder) for number, source in enumerate(_files(sources), 1)
        )
        self._lock = threading.Lock()

    def _load(self, number: int, source: Path | Recording, folder: Path | None) -> StoredRecording:
        if isinstance(source, Recording):
            name, recording = f"recording {number}", source
        else:
            relative = source if folder is None else source.relative_to(folder)
            check_regular(source)
            name, recording = relative.as_posix(), Recording.load(source)
        request = recording.request
        return StoredRecording(source, name, recording, request and self._comparable(request))

    def _comparable(self, request: RecordedRequest) -> RecordedRequest:
        """`request` without secrets, sent to the target of all recordings if there is one."""
        redacted = Redaction(self._secrets).request(request)
        if self._target is None:
            return redacted
        method, url = self._target
        return attrs.evolve(redacted, method=method, url=url)

    @property
    def unused(self) -> tuple[Path | Recording, ...]:
        """The sources of the recordings that were not played yet."""
        return tuple(stored.source for stored in self.recordings if not stored.plays)

    def play_next(self) -> StoredRecording:
        """Play the next recording in order, for any request.

        Raises:
            UnmatchedRequestError: all were played.
        """
        with self._lock:
            for stored in self.recordings:
                if not stored.plays:
                    stored.plays += 1
                    return stored
        raise UnmatchedRequestError(
            f"got more requests than recordings ({len(self.recordings)}): record again. If the "
            "client has sent a failed request again, pass max_retries=0 to it, or one recording "
            "for each attempt"
        )

    def play_for(
        self,
        request: RecordedRequest,
        among: Sequence[StoredRecording] | None = None,
        *,
        starts_over: bool = False,
    ) -> StoredRecording:
        """Play the recording of a request.

        If several recordings have the same request, they are played in order, and then the last one
        again and again. Recordings without a request answer, in the same way, the requests that no
        other one answers.

        Args:
            request: the request, secrets included.
            among: the recordings to choose from; by default all.
            starts_over: whether the first of the recordings without a request follows the last of
                them.

        Raises:
            UnmatchedRequestError: no recording answers the request.
        """
        asked = self._comparable(request)
        stored = self.recordings if among is None else among
        known = [(one, one.request) for one in stored if one.request is not None]
        fitting = [one for one, recorded in known if same_request(recorded, asked)]
        if fitting:
            return self.play_one_of(fitting)
        if unknown := [one for one in stored if one.request is None]:
            return self.play_one_of(unknown, starts_over=starts_over)
        raise unmatched(asked, [(one.name, recorded) for one, recorded in known])

    def play_one_of(
        self, stored: Sequence[StoredRecording], *, starts_over: bool = False
    ) -> StoredRecording:
        """Play the first of these recordings that was not played yet.

        If all were, play the last one again; with `starts_over` the first, and at the next calls
        the others in order.
        """
        with self._lock:
            if starts_over and all(one.plays for one in stored):
                for one in stored:
                    one.plays = 0
            chosen = next((one for one in stored if not one.plays), stored[-1])
            chosen.plays += 1
        return chosen


def _files(sources: Source | Iterable[Source]) -> Iterator[Path | Recording]:
    """The files and recordings that the sources stand for."""
    if isinstance(sources, Recording):
        yield sources
    elif isinstance(sources, (str, os.PathLike)):
        path = Path(sources)
        yield from recording_files(path) if path.is_dir() else [path]
    else:
        for source in sources:
            yield from _files(source)
