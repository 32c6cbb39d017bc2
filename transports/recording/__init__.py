"""Recordings of HTTP streams: the value, its file, its secrets, and the transports that record and
replay.

This package imports nothing from `streamfold.transports`.
"""

from .content_types import (
    AWS_EVENT_STREAM,
    EVENT_STREAM,
    content_type_of,
    decoder_of,
    media_type,
)
from .decompression import AsyncDecompressed, decompressed
from .files import check_regular, is_recording, numbered, recording_files, write_whole
from .format import RecordingError
from .http_library import raw_headers
from .live_redaction import redacted_events
from .matching import UnmatchedRequestError
from .parts import RecordedChunk, RecordedError, RecordedRequest, RecordedResponse
from .playback import Pace, Step, check_speed, replayed_response, steps_of
from .recorder import Recorder, RecordingTransport
from .redaction import Redaction, is_harmless_header
from .replayer import Replayer, ReplayTransport
from .store import RecordingStore, StoredRecording
from .value import Recording

__all__ = [
    "AWS_EVENT_STREAM",
    "EVENT_STREAM",
    "AsyncDecompressed",
    "Pace",
    "RecordedChunk",
    "RecordedError",
    "RecordedRequest",
    "RecordedResponse",
    "Recorder",
    "Recording",
    "RecordingError",
    "RecordingStore",
    "RecordingTransport",
    "Redaction",
    "ReplayTransport",
    "Replayer",
    "Step",
    "StoredRecording",
    "UnmatchedRequestError",
    "check_regular",
    "check_speed",
    "content_type_of",
    "decoder_of",
    "decompressed",
    "is_harmless_header",
    "is_recording",
    "media_type",
    "numbered",
    "raw_headers",
    "recording_files",
    "redacted_events",
    "replayed_response",
    "steps_of",
    "write_whole",
]
