"""Recordings of HTTP responses: the value, its file, its secrets, and the transports that record
and replay.
"""

from .files import Recording, numbered, recording_files, redacted_request
from .format import RecordingError
from .http_library import raw_headers
from .matching import UnmatchedRequestError, fitting, next_of
from .playback import Pace, check_speed
from .recorder import Recorder, RecordingTransport
from .redaction import Redaction
from .replay import areplay, replay
from .replayer import Replayer, ReplayTransport
from .value import RecordedChunk, RecordedError, RecordedRequest, RecordedResponse

__all__ = [
    "Pace",
    "RecordedChunk",
    "RecordedError",
    "RecordedRequest",
    "RecordedResponse",
    "Recorder",
    "Recording",
    "RecordingError",
    "RecordingTransport",
    "Redaction",
    "ReplayTransport",
    "Replayer",
    "UnmatchedRequestError",
    "areplay",
    "check_speed",
    "fitting",
    "next_of",
    "numbered",
    "raw_headers",
    "recording_files",
    "redacted_request",
    "replay",
]
