"""The parts of the official client that ours does not have: they point to `adapters.sdk`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["PointsToOfficialClient"]


class PointsToOfficialClient:
    """An object in the shape of the official client's, without all of its methods."""

    __slots__ = ()

    if not TYPE_CHECKING:  # pragma: no branch (type checkers report the missing name)

        def __getattr__(self, name: str) -> Any:
            message = f"{type(self).__name__!r} has no attribute {name!r}"
            if not name.startswith("_"):
                message += (
                    ": this client creates and streams messages only. For the rest use the "
                    "official client, anthropic.Anthropic, and to stream with that one "
                    "streamfold.adapters.sdk.stream(client.messages, …)"
                )
            raise AttributeError(message, name=name, obj=self)
