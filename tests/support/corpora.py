"""Folders of recordings, and functions that other processes can import."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from streamfold.reducer import fold
from streamfold.transports import Recording

RECORDINGS = Path(__file__).parents[1] / "recordings"
WHOLE = Recording.load(RECORDINGS / "text.sse").rechunk(300)
CUT = WHOLE.cut(600)


def fill(folder: Path, count: int) -> Path:
    """A folder with this many recordings: every tenth is cut, one is not a recording."""
    whole, cut = WHOLE.to_bytes(), CUT.to_bytes()
    folder.mkdir(exist_ok=True)
    for number in range(count):
        (folder / f"turn-{number}.jsonl").write_bytes(cut if number % 10 == 9 else whole)
    if count:
        (folder / "turn-3.jsonl").write_bytes(b"{}")
    return folder


# --- functions for workers ------------------------------------------------------------------------


def length(name: str) -> int:
    return len(name)


def fail(name: str) -> int:
    raise ZeroDivisionError(name)


def die_of_poison(name: str) -> str:
    """Kill the process that works on a file called `poison`."""
    if "poison" in name:
        os.kill(os.getpid(), signal.SIGKILL)
    return name


def die_once(name: str) -> str:
    """Kill the process that works on a file called `once`, the first time."""
    marker = Path(name)
    if marker.name == "once" and marker.exists():
        marker.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return name


# --- accumulators ---------------------------------------------------------------------------------


def reference(events: list[dict[str, Any]]) -> Any:
    """The reference itself, which refuses what is not whole."""
    snapshot = fold(events)
    return snapshot.message if snapshot.is_complete and snapshot.error is None else None


def careless(events: list[dict[str, Any]]) -> Any:
    """An accumulator with every kind of fault."""
    message: Any = fold(events).message
    if message is None:
        return {"id": "made-up"}
    made = message.to_dict()
    if message.stop_reason == "tool_use":
        raise ValueError("no tools here")
    if message.stop_reason == "max_tokens":
        return None
    made["seconds"] = 1
    for block in made["content"]:
        if block["type"] == "text":
            block["text"] = block["text"].strip() + "!"
        block.pop("signature", None)
    return made
