"""When what was recorded is due, and the waiting for it.

Offsets are measured from the start, not from one chunk to the next, so that what one wait takes
too long the next one makes up for.
"""

from __future__ import annotations

import math
import time

from streamfold.transports.event_loops import sleep

__all__ = ["Pace", "check_speed"]


def check_speed(speed: float) -> float:
    """`speed`, which something can be replayed at.

    Raises:
        ValueError: it is negative, or no number.
    """
    if not (math.isfinite(speed) and speed >= 0):
        raise ValueError(
            f"speed is how many times as fast as recorded, or 0 for at once: not {speed!r}"
        )
    return speed


class Pace:
    """A replay that starts now.

    >>> pace = Pace(speed=0)
    >>> pace.left(at=3600)
    0.0
    """

    def __init__(self, speed: float) -> None:
        """Start the clock.

        Args:
            speed: 1 is as it was, 2 twice as fast, 0 at once.

        Raises:
            ValueError: `speed` is negative, or no number.
        """
        self._speed = check_speed(speed)
        self._start = time.monotonic()

    def left(self, at: float) -> float:
        """Seconds still to wait for what came `at` seconds after the request; 0 if it is due."""
        if not self._speed:
            return 0.0
        return max(0.0, self._start + at / self._speed - time.monotonic())

    def wait(self, at: float) -> None:
        """Wait for what came `at` seconds after the request."""
        if left := self.left(at):
            time.sleep(left)

    async def wait_async(self, at: float) -> None:
        """Wait for it in asyncio or trio, and let other tasks run even if it is due."""
        await sleep(self.left(at))
