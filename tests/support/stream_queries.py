"""Questions about the events of a stream, for the tests of what is drawn."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from hypothesis import Phase, find, settings
from hypothesis import strategies as st

Event = dict[str, Any]
examples = partial(settings, deadline=None)


def least(strategy: st.SearchStrategy[Any], condition: Callable[[Any], Any]) -> Any:
    """The smallest drawn value that meets the condition.

    Hypothesis' database could contain earlier finds, and its phase "explain" sometimes returns one
    of the variations that it tries on the smallest value.
    """
    alone = settings(
        max_examples=2000,
        derandomize=True,
        database=None,
        phases=[Phase.generate, Phase.shrink],
    )
    return find(strategy, condition, settings=alone)


def deltas(events: list[Event], kind: str, field: str) -> list[str]:
    """This field of all deltas of a kind."""
    found = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    return [delta[field] for delta in found if delta["type"] == kind]


def of_type(events: list[Event], kind: str) -> list[Event]:
    return [event for event in events if event["type"] == kind]


def block_of(events: list[Event], index: int) -> list[Event]:
    """The deltas of one block."""
    return [e["delta"] for e in of_type(events, "content_block_delta") if e["index"] == index]


def has_block(*kinds: str) -> Callable[[list[Event]], bool]:
    return lambda events: any(
        start["content_block"]["type"] in kinds for start in of_type(events, "content_block_start")
    )


def is_interleaved(events: list[Event]) -> bool:
    indexes = [event["index"] for event in events if "index" in event]
    return indexes != sorted(indexes)


def cut_matching(pattern: str, kind: str, field: str) -> Callable[[list[Event]], bool]:
    """Some delta ends in the middle of what the pattern matches."""
    return lambda events: any(
        re.search(pattern, text, re.DOTALL) for text in deltas(events, kind, field)
    )


def one_character_each(events: list[Event]) -> bool:
    sizes = [
        [len(delta["text"]) for delta in block_of(events, index) if "text" in delta]
        for index in range(5)
    ]
    return any(len(each) > 2 and max(each) == 1 for each in sizes)


def citation_where(place: str) -> Callable[[list[Event]], bool]:
    def reached(events: list[Event]) -> bool:
        for index in range(5):
            kinds = "".join(delta["type"][0] for delta in block_of(events, index))
            if re.search({"before": "^ct", "between": "tc+t", "after": "tc$"}[place], kinds):
                return True
        return False

    return reached


def last_delta(events: list[Event]) -> Event:
    return of_type(events, "message_delta")[-1]


def ends_in_a_tool(events: list[Event]) -> bool:
    starts = of_type(events, "content_block_start")
    return len(of_type(events, "content_block_stop")) < len(starts)


def pinged(where: str) -> Callable[[list[Event]], bool]:
    def reached(events: list[Event]) -> bool:
        kinds = "".join(
            {"ping": "p", "content_block_delta": "d"}.get(event["type"], "-") for event in events
        )
        return where in kinds

    return reached


def spoil(value: Any) -> None:
    """Empty every dict and list in the value."""
    for item in list(value.values() if isinstance(value, dict) else value):
        if isinstance(item, (dict, list)):
            spoil(item)
    value.clear()
