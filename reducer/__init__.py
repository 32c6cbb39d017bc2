"""The engine of streamfold: pure functions over immutable values, without I/O, clock or state.

    bytes ─ decode_sse ─▶ ServerSentEvent ─ parse_event ─▶ RawEvent ─ reduce ─▶ (Snapshot, events)

`feed` and `finish` compose these three; `expand` and `encode_sse` go the other way. A stream begins
with `Snapshot()` or `StreamState()`.

The public names are those in the `__all__` of the modules below.
"""
# ruff: noqa: F403

import types
import typing

from .declared import *
from .decoding import *
from .errors import *
from .event_stream import *
from .events import *
from .expand import *
from .frozen_json import *
from .growing import *
from .messages import *
from .partial_json import *
from .parts import *
from .pipeline import *
from .reduce import *
from .sealed import *
from .snapshot import *
from .sse import *
from .timing import *

# Type checkers follow the imports above, so this is the only branch at run time.
if not typing.TYPE_CHECKING:  # pragma: no branch
    __all__ = sorted(
        name
        for name, value in globals().items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    )
