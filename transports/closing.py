"""The `with` and `async with` blocks of objects that must be closed."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AsyncClosing", "Closing"]


class Closing:
    """An object with `close`: leaving its `with` block closes it."""

    if TYPE_CHECKING:

        def close(self) -> None:
            """Close the object."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self.close()


class AsyncClosing:
    """An object with an async `close`: leaving its `async with` block closes it."""

    if TYPE_CHECKING:

        async def close(self) -> None:
            """Close the object."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.close()
