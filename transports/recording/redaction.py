"""The one policy for secrets: which headers, parameters, JSON keys and parts of a URL hold one.

Recordings, error messages and the client's requests follow it. The rules:

- A header, a parameter of a URL or a form, and a key in the JSON of a request are secret if their
  name is in `SECRET_NAMES`, or in the names that a caller adds. Case does not matter.
- A request header is harmless if its name begins with one of `HARMLESS_HEADERS`. Headers that are
  neither secret nor harmless may hold the key of a gateway. Recordings keep them, because their
  owner can add names; the client hides them in the requests that its errors carry.
- User and password in a URL are secret. They are dropped, because httpx sends them as a header.

The value of a secret becomes `PLACEHOLDER`. It is the same for every value, so that two requests
that differ only in a secret compare equal.

Servers repeat in their answers what they received ("invalid x-api-key: …"). Therefore the value of
each secret that was found by its name is removed from all other text, too. In the bytes of an
answer it is replaced by as many asterisks, so that no chunk changes its length. Values shorter than
12 characters are not searched for, because they could be part of ordinary words. Compressed answers
are not searched.

Headers that name an account or a request (`anthropic-organization-id`, `request-id`) are kept.

JSON is walked by `json` itself, at any depth, and costs one pass of encoding and decoding.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast
from urllib.parse import unquote, unquote_plus

import attrs

from .parts import Headers, RecordedRequest, RecordedResponse, bytes_of, text_of

__all__ = [
    "HARMLESS_HEADERS",
    "PLACEHOLDER",
    "SECRET_NAMES",
    "Redaction",
    "is_harmless_header",
]

PLACEHOLDER = "[secret]"

SECRET_NAMES = frozenset(
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
"""The secret names, in lower case: of headers, URL parameters and JSON keys."""

HARMLESS_HEADERS = (
    "accept",
    "anthropic-",
    "connection",
    "content-",
    "host",
    "transfer-encoding",
    "user-agent",
)
"""The beginnings of the names of request headers that hold no secret, in lower case."""

_SHORTEST_SEARCHED = 12

_JSON_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')

_USERINFO = re.compile(r"(?<=://)[^/?#\s@]*@")


def is_harmless_header(name: str) -> bool:
    """Whether a request header of this name never holds a secret.

    Args:
        name: the name of the header, in any case.

    >>> is_harmless_header("Anthropic-Version"), is_harmless_header("x-my-gateway-key")
    (True, False)
    """
    return name.lower().startswith(HARMLESS_HEADERS)


def _with_standard_names(names: Iterable[str]) -> frozenset[str]:
    if isinstance(names, str):
        raise TypeError(
            f"secrets must be a list or tuple of names, got one string: {names!r}; "
            f"write [{names!r}]"
        )
    return SECRET_NAMES | {name.lower() for name in names}


@attrs.define
class Redaction:
    """Removes the secrets of one request and its answer.

    Give it the parts that hold secrets under a name first (`headers`, `url`, `query`, `json`), then
    the other texts (`text`, `texts`, `blot`), from which it removes the values it found.

    Args:
        names: further secret names, beside `SECRET_NAMES`.

    Attributes:
        names: all secret names, in lower case.
        found: the values found so far.

    Raises:
        TypeError: `names` is one string.

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

    names: frozenset[str] = attrs.field(default=frozenset[str](), converter=_with_standard_names)
    found: set[str] = attrs.field(factory=set[str], init=False)

    # --- a whole request or response ---

    def request(self, request: RecordedRequest) -> RecordedRequest:
        """`request` without secrets."""
        headers = self.headers(request.headers)
        url = self.url(request.url)
        body = self.json(request.body)
        content = self.query(text_of(request.content))
        return RecordedRequest(
            method=request.method,
            url=self.text(url),
            headers=self.texts(headers),
            body=self.texts(body),
            content=bytes_of(self.text(content)),
        )

    def response(self, response: RecordedResponse) -> RecordedResponse:
        """`response` without secrets."""
        return attrs.evolve(response, headers=self.texts(self.headers(response.headers)))

    # --- secrets with a name ---

    def headers(self, headers: Iterable[tuple[str, str]]) -> Headers:
        """The headers of a request or a response without the values of secret names."""
        return tuple((name, self._value(name, value)) for name, value in headers)

    def url(self, url: str) -> str:
        """`url` without user, password, and the values of secret parameters."""
        for userinfo in _USERINFO.findall(url):
            for secret in userinfo[:-1].split(":"):
                self._find(unquote(secret))
        address, question_mark, query = _USERINFO.sub("", url).partition("?")
        query, hash_mark, fragment = query.partition("#")
        return "".join([address, question_mark, self.query(query), hash_mark, fragment])

    def query(self, query: str) -> str:
        """The query of a URL, or a form, without the values of secret parameters."""
        return "&".join(self._parameter(*piece.partition("=")) for piece in query.split("&"))

    def _parameter(self, name: str, equals_sign: str, value: str) -> str:
        if not equals_sign or unquote_plus(name).lower() not in self.names:
            return f"{name}{equals_sign}{value}"
        self._find(unquote_plus(value))
        return f"{name}{equals_sign}{PLACEHOLDER}"

    def json(self, value: Any) -> Any:
        """The JSON `value` without everything under a secret key."""
        return json.loads(json.dumps(value, ensure_ascii=False), object_hook=self._object)

    def _object(self, members: dict[str, Any]) -> dict[str, Any]:
        for name, value in members.items():
            if name.lower() in self.names:
                for text in _strings_in(value):
                    self._find(text)
                members[name] = PLACEHOLDER
        return members

    def _value(self, name: str, value: str) -> str:
        if name.lower() not in self.names:
            return value
        for secret in _SECRETS_IN_HEADER.get(name.lower(), _whole)(value):
            self._find(secret)
        return PLACEHOLDER

    def _find(self, secret: str) -> None:
        if len(secret) >= _SHORTEST_SEARCHED:
            self.found.add(secret)

    # --- the same values elsewhere ---

    def text(self, text: str) -> str:
        """`text` without the values found so far, and without user and password of any URL."""
        for secret in self._longest_first():
            text = text.replace(secret, PLACEHOLDER)
        return _USERINFO.sub("", text)

    def texts(self, value: Any) -> Any:
        """The JSON `value`, with `text` applied to each string in it, keys included."""
        text = json.dumps(value, ensure_ascii=False)
        return json.loads(_JSON_STRING.sub(lambda string: self._json_string(string[0]), text))

    def _json_string(self, string: str) -> str:
        return json.dumps(self.text(json.loads(string)), ensure_ascii=False)

    def blot(self, data: bytes) -> bytes:
        """`data` with asterisks in place of the values found so far; its length is unchanged."""
        for secret in self._longest_first():
            word = bytes_of(secret)
            data = data.replace(word, b"*" * len(word))
        return data

    def _longest_first(self) -> list[str]:
        """The values found, longest first, because one may be the beginning of another."""
        return sorted(self.found, key=lambda secret: (-len(secret), secret))


def _whole(value: str) -> list[str]:
    return [value]


def _credentials(value: str) -> list[str]:
    return [value.split(" ")[-1]]


def _cookies(value: str) -> list[str]:
    return [cookie.partition("=")[2] for cookie in value.split("; ")]


_SECRETS_IN_HEADER: dict[str, Callable[[str], list[str]]] = {
    "authorization": _credentials,
    "proxy-authorization": _credentials,
    "cookie": _cookies,
    "set-cookie": lambda value: _cookies(value.partition(";")[0]),
}
"""The headers with other words beside the secret (`Bearer`, `HttpOnly`), which occur elsewhere."""


def _strings_in(value: Any) -> Iterator[str]:
    """All strings in a JSON value, without the keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in cast("Mapping[str, Any]", value).values():
            yield from _strings_in(item)
    elif isinstance(value, (list, tuple)):
        for item in cast("list[Any]", value):
            yield from _strings_in(item)
