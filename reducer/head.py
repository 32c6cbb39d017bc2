"""The head of a message: everything but its content, as it started and as deltas changed it.

A `message_delta` event may name new counts of usage every time, and the head may have large fields
that it does not name. So the changes are kept in order as they came, and are put together when the
head is read. The result is cached on the list that all heads of a stream share (see `growing`), so
that reading each head in turn costs the new changes and the fields they change.
"""

from __future__ import annotations

# The modules of this package share their private attributes.
# pyright: reportPrivateUsage=false
from collections.abc import Mapping
from typing import Any

import attrs

from .growing import Growing
from .messages import Message

__all__: list[str] = []

_NO_CHANGES: Growing[Mapping[str, Any]] = Growing()


@attrs.frozen(eq=False, weakref_slot=False)
class Head:
    """The head of a message. Two heads are equal if they read the same.

    Attributes:
        started: the message without its content, as it started.
        changes: the JSON fields that each delta set, the oldest first; those in `usage` are totals
            that replace the earlier ones one by one.
        counted: the last total of output tokens in these changes, for `Timing`.
    """

    started: Message
    changes: Growing[Mapping[str, Any]] = _NO_CHANGES
    counted: Any = None

    def changed(self, fields: Mapping[str, Any]) -> Head:
        """Return the head after a delta that sets these fields."""
        if not fields:
            return self
        counted = fields.get("usage", {}).get("output_tokens", self.counted)
        return Head(self.started, self.changes.append(fields), counted)

    @property
    def output_tokens(self) -> Any:
        """The total of output tokens, if there is one yet."""
        usage: Any = self.started.usage
        return (usage and usage.output_tokens) if self.counted is None else self.counted

    @property
    def message(self) -> Message:
        """The message without its content, as it stands."""
        fields, totals = self._merged()
        if totals is not None:
            fields = {**fields, "usage": self.started.usage.replace(**totals)}
        return self.started.replace(**fields) if fields else self.started

    @property
    def stop_reason(self) -> str | None:
        """The stop reason, if there is one yet."""
        reason: str | None = self._merged()[0].get("stop_reason", self.started.stop_reason)
        return reason

    def _merged(self) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return the changed fields but `usage`, and the changed totals of `usage`."""
        shared, count = self.changes._shared, len(self.changes)
        start, merged = shared.parsed or (0, ({}, None))
        if start > count:
            start, merged = 0, ({}, None)
        if start < count:
            fields, usage = dict(merged[0]), merged[1] and dict(merged[1])
            for changes in shared[start:count]:
                fields.update(changes)
                totals = fields.pop("usage", None)
                if totals is not None:
                    usage = usage or {}
                    usage.update(totals)
            merged = (fields, usage)
            if shared.parsed is None or shared.parsed[0] < count:
                shared.parsed = (count, merged)
        return merged

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Head) and self.message == other.message

    def __hash__(self) -> int:
        return hash(self.message)
