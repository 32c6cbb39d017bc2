"""The parameters of `messages.stream`: their names and types, and `NOT_GIVEN`.

The type checkers see these names in the calls of a client. At run time any other keyword is
refused, because it is a typo more often than a new field of the API. `extra_body` sends new fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, TypedDict, TypeVar, Union

import httpx
from streamfold.reducer import PartialMode

__all__ = [
    "BETA_FIELDS",
    "FIELDS",
    "JSON",
    "NOT_GIVEN",
    "BetaMessageRequest",
    "Maybe",
    "MessageRequest",
    "NotGiven",
    "Timeout",
    "is_given",
    "is_omitted",
    "refuse_unknown",
]

T = TypeVar("T")


class NotGiven:
    """The type of `NOT_GIVEN`: the value of a parameter for which the caller passed nothing.

    It differs from `None` where `None` has a meaning of its own: `timeout=None` means no limit.
    """

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN = NotGiven()

JSON = Mapping[str, Any]
Maybe = Union[T, NotGiven, None]
Timeout = Union[float, httpx.Timeout, None]
"""Seconds without a byte from the API, or httpx's own value; `None` for no limit."""


def is_given(value: Any) -> bool:
    """Whether the caller passed an argument: neither `None` nor `NOT_GIVEN`.

    >>> is_given(0), is_given(None), is_given(NOT_GIVEN)
    (True, False, False)
    """
    return value is not None and not is_omitted(value)


def is_omitted(value: Any) -> bool:
    """Whether an argument is `NOT_GIVEN`: ours, or the official client's `omit` or `not_given`."""
    return type(value).__name__ in ("NotGiven", "Omit") and not value


class _Required(TypedDict):
    max_tokens: int
    messages: Iterable[JSON]
    model: str


class MessageRequest(_Required, total=False):
    """The arguments of `messages.stream`, `create` and `parse`.

    They are the fields of the request's body, and options of the call. `max_tokens`, `messages` and
    `model` are required. `user_profile_id` and `workspace_id` are sent as headers. `extra_headers`,
    `extra_query` and `extra_body` override everything else; a header whose value is `None` is not
    sent. `timeout` is in seconds. `partial_mode`, `limit` (bytes), `allow_incomplete` and
    `stall_timeout` (seconds without progress) are options of the stream that reads the answer: see
    `MessageStream`.
    """

    cache_control: Maybe[JSON]
    container: Maybe[str | JSON]
    diagnostics: Maybe[JSON]
    inference_geo: Maybe[str]
    metadata: Maybe[JSON]
    output_config: Maybe[JSON]
    service_tier: Maybe[str]
    speed: Maybe[str]
    stop_sequences: Maybe[Iterable[str]]
    system: Maybe[str | Iterable[JSON]]
    temperature: Maybe[float]
    thinking: Maybe[JSON]
    tool_choice: Maybe[JSON]
    tools: Maybe[Iterable[JSON]]
    top_k: Maybe[int]
    top_p: Maybe[float]
    user_profile_id: Maybe[str]
    workspace_id: Maybe[str]
    extra_headers: Maybe[Mapping[str, str | None]]
    extra_query: Maybe[JSON]
    extra_body: Maybe[JSON]
    timeout: Timeout | NotGiven
    partial_mode: Maybe[PartialMode]
    limit: Maybe[int]
    allow_incomplete: Maybe[bool]
    stall_timeout: Maybe[float]


class BetaMessageRequest(MessageRequest, total=False):
    """The arguments of `beta.messages.stream`, `create` and `parse`.

    They are those of `MessageRequest`, further fields, and `betas`, the names of the betas.
    """

    betas: Maybe[Iterable[str]]
    billing_policy: Maybe[JSON]
    compaction: Maybe[JSON]
    context_management: Maybe[JSON]
    fallback_credit_token: Maybe[str]
    fallbacks: Maybe[Any]
    mcp_servers: Maybe[Iterable[JSON]]
    thread: Maybe[JSON]


FIELDS = frozenset(MessageRequest.__required_keys__ | MessageRequest.__optional_keys__)
BETA_FIELDS = FIELDS | BetaMessageRequest.__optional_keys__


def refuse_unknown(method: str, arguments: Iterable[str], known: frozenset[str]) -> None:
    """Refuse keywords that are not parameters.

    Raises:
        TypeError: a keyword is not a parameter; the error names the nearest one.

    >>> refuse_unknown("stream", ["sytem"], FIELDS)
    Traceback (most recent call last):
        ...
    TypeError: stream() got the unknown argument 'sytem': did you mean 'system'? \
extra_body={'sytem': …} sends a field that this version does not know
    """
    for name in arguments:
        if name not in known:
            (nearest,) = get_close_matches(name, sorted(known), n=1, cutoff=0.0)
            raise TypeError(
                f"{method}() got the unknown argument {name!r}: did you mean {nearest!r}? "
                f"extra_body={{{name!r}: …}} sends a field that this version does not know"
            )
