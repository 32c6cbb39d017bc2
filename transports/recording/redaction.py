"""What a recording leaves out: keys, cookies, and whatever else its owner names.

A secret is known by its name, wherever that stands: as a header, as a parameter of the URL, as a
key in the JSON of the request. Its value becomes `PLACEHOLDER`, which is always the same, so that
two requests that differ in nothing else are still the same request. User and password in a URL are
dropped: httpx sends them as a header.

A value that was found once is then looked for in everything else, because servers say back what
they were told ("invalid x-api-key: …"). In the bytes of the answer it becomes as many asterisks,
which moves no cut. A value shorter than 12 characters is not looked for: it might be found in
words that mean something else. A compressed answer is not searched.

What only names an account (`anthropic-organization-id`, `request-id`) stays, unless it is named.

No I/O, and nothing here knows httpx. JSON is walked by `json` itself, however deep it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast
from urllib.parse import unquote, unquote_plus

import attrs

__all__ = ["PLACEHOLDER", "SECRETS", "Headers", "Redaction", "decoded", "encoded"]

PLACEHOLDER = "[secret]"

SECRETS = frozenset(
    {
        "api-key",
        "authorization",
        "authorization_token",  # of an MCP server, in the body of a request
        "cookie",
        "proxy-authorization",
        "set-cookie",
        "x-amz-security-token",
        "x-api-key",
        "x-goog-api-key",
    }
)
"""The names, in lower case, that are secret without being named."""

Headers = tuple[tuple[str, str], ...]

_SHORTEST = 12

_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')
"""A string in a JSON text."""

_USERINFO = re.compile(r"(?<=://)[^/?#\s@]*@")


def _lower(names: Iterable[str]) -> frozenset[str]:
    if isinstance(names, str):
        raise TypeError(f"secrets are names, in a list or a tuple, not one string: {names!r}")
    return SECRETS | {name.lower() for name in names}


@attrs.define
class Redaction:
    """Takes the secrets out of one request and its answer: first by name, then by value.

    Attributes:
        names: what is secret, beside `SECRETS`; upper and lower case are the same.
        found: the values that were met, to be looked for elsewhere.

    >>> redaction = Redaction(["user_token"])
    >>> redaction.headers([("x-api-key", "sk-ant-example"), ("accept", "*/*")])
    (('x-api-key', '[secret]'), ('accept', '*/*'))
    >>> redaction.url("https://me:and-my-password@example.com/v1?user_token=123&beta=true")
    'https://example.com/v1?user_token=[secret]&beta=true'
    >>> redaction.json({"metadata": {"User_Token": 123}})
    {'metadata': {'User_Token': '[secret]'}}
    >>> redaction.blot(b"invalid x-api-key: sk-ant-example")
    b'invalid x-api-key: **************'
    """

    names: frozenset[str] = attrs.field(default=frozenset[str](), converter=_lower)
    found: set[str] = attrs.field(factory=set[str], init=False)

    # --- by name ---

    def headers(self, headers: Iterable[tuple[str, str]]) -> Headers:
        """`headers` without the values of those that are secret."""
        return tuple((name, self._hidden(name, value)) for name, value in headers)

    def url(self, url: str) -> str:
        """`url` without user and password, nor the values of the parameters that are secret."""
        for userinfo in _USERINFO.findall(url):
            for secret in userinfo[:-1].split(":"):
                self._find(unquote(secret))
        address, mark, query = _USERINFO.sub("", url).partition("?")
        query, hash_mark, fragment = query.partition("#")
        return "".join([address, mark, self.query(query), hash_mark, fragment])

    def query(self, query: str) -> str:
        """`query`, of a URL or a form, without the values of the parameters that are secret."""
        return "&".join(self._parameter(*piece.partition("=")) for piece in query.split("&"))

    def _parameter(self, name: str, mark: str, value: str) -> str:
        if not mark or unquote_plus(name).lower() not in self.names:
            return f"{name}{mark}{value}"
        self._find(unquote_plus(value))
        return f"{name}{mark}{PLACEHOLDER}"

    def json(self, value: Any) -> Any:
        """`value` without what stands under a key that is secret."""
        return json.loads(json.dumps(value, ensure_ascii=False), object_hook=self._object)

    def _object(self, members: dict[str, Any]) -> dict[str, Any]:
        for name, value in members.items():
            if name.lower() in self.names:
                for text in _texts(value):
                    self._find(text)
                members[name] = PLACEHOLDER
        return members

    def _hidden(self, name: str, value: str) -> str:
        if name.lower() not in self.names:
            return value
        for secret in _HELD_BY.get(name.lower(), _whole)(value):
            self._find(secret)
        return PLACEHOLDER

    def _find(self, secret: str) -> None:
        if len(secret) >= _SHORTEST:
            self.found.add(secret)

    # --- by value ---

    def text(self, text: str) -> str:
        """`text` without the secrets that were found, nor the user and password of a URL."""
        for secret in self._longest_first():
            text = text.replace(secret, PLACEHOLDER)
        return _USERINFO.sub("", text)

    def texts(self, value: Any) -> Any:
        """The JSON `value`, each string in it without the secrets that were found."""
        text = json.dumps(value, ensure_ascii=False)
        return json.loads(_STRING.sub(lambda string: self._string(string[0]), text))

    def _string(self, string: str) -> str:
        return json.dumps(self.text(json.loads(string)), ensure_ascii=False)

    def blot(self, data: bytes) -> bytes:
        """`data` with asterisks in the place of the secrets that were found."""
        for secret in self._longest_first():
            word = encoded(secret)
            data = data.replace(word, b"*" * len(word))
        return data

    def _longest_first(self) -> list[str]:
        return sorted(self.found, key=lambda secret: (-len(secret), secret))


def _whole(value: str) -> list[str]:
    return [value]


def _credentials(value: str) -> list[str]:
    return [value.split(" ")[-1]]


def _cookies(value: str) -> list[str]:
    return [cookie.partition("=")[2] for cookie in value.split("; ")]


_HELD_BY: dict[str, Callable[[str], list[str]]] = {
    "authorization": _credentials,
    "proxy-authorization": _credentials,
    "cookie": _cookies,
    "set-cookie": lambda value: _cookies(value.partition(";")[0]),
}
"""The headers that hold more than the secret alone: their other words stand elsewhere, too."""


def _texts(value: Any) -> Iterator[str]:
    """All strings in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in cast("Mapping[str, Any]", value).values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in cast("list[Any]", value):
            yield from _texts(item)


def decoded(data: bytes) -> str:
    """`data` as text, whatever it is: `encoded` is the way back."""
    return data.decode("utf-8", "surrogateescape")


def encoded(text: str) -> bytes:
    """`text` as the bytes it was decoded from."""
    return text.encode("utf-8", "surrogateescape")
