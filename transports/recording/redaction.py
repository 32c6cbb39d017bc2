"""The one policy for secrets: which headers, parameters, JSON keys and parts of a URL hold one.

Recordings, error messages and the client's requests follow it. The rules:

- A header is kept only if its name is in `HARMLESS_HEADERS` or begins with one of those that end
  with a dash, and a parameter of a URL only if its name is in `HARMLESS_PARAMETERS`. All others
  lose their value.
- A parameter of a form, and a key in the JSON of a request, is secret if its name is in
  `SECRET_NAMES`, sounds like a secret (`client_secret`, `api_key`, …), or is one of the names that
  a caller adds. Case does not matter. So is a parameter of a URL inside other text.
- User and password in a URL are secret. They are dropped, because httpx sends them as a header.

The value of a secret becomes `PLACEHOLDER`. It is the same for every value, so that two requests
that differ only in a secret compare equal.

Servers repeat in their answers what they received ("invalid x-api-key: …"). Therefore the value of
each secret that was found by its name is removed from all other text, too, however its characters
are written: see `secret_search`. In the bytes of an answer it is replaced by as many asterisks, so
that no chunk changes its length: see `blotting`. Values shorter than 12 characters are not searched
for, because they may be ordinary words. Neither are the values of headers that are merely unknown,
unless they look like a key or a token.

Headers that name an account or a request (`anthropic-organization-id`, `request-id`) are kept.

JSON is walked by `json` itself, at any depth, and costs one pass of encoding and decoding.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, cast
from urllib.parse import unquote, unquote_plus

import attrs

from .blotting import blot
from .parts import Headers, RecordedRequest, RecordedResponse, bytes_of, text_of
from .secret_search import SHORTEST_SEARCHED, Place, Plain, encoded, searched_for, united

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
    "accept-",
    "age",
    "anthropic-",
    "cache-control",
    "cf-cache-status",
    "cf-ray",
    "connection",
    "content-",
    "date",
    "expires",
    "host",
    "keep-alive",
    "last-modified",
    "request-id",
    "retry-after",
    "retry-after-ms",
    "server",
    "server-timing",
    "strict-transport-security",
    "transfer-encoding",
    "user-agent",
    "vary",
    "via",
    "x-request-id",
    "x-should-retry",
    "x-stainless-",
)
"""The headers that hold no secret, in lower case. A name that ends with a dash stands for all names
that begin with it."""

_HARMLESS_BEGINNINGS = tuple(name for name in HARMLESS_HEADERS if name.endswith("-"))

HARMLESS_PARAMETERS = frozenset({"after_id", "api-version", "before_id", "beta", "limit"})
"""The parameters of a URL that hold no secret, in lower case."""

_MOST_OF_CONTENT = 256
"""The most secrets that are searched for in other text, those in headers not counted.

Each is searched for in all of it, so that their number would make the cost grow with the square of
a body.
"""

_SOUNDS_SECRET = re.compile(
    r"(?:^|[-_.])(?:assertion|auth|authorization|bearer|cookie|credentials?|jwt|passw(?:or)?d|secret"
    r"|session|sig|signature)(?:$|[-_.])"
    r"|(?:api|access|account|master|private|secret|subscription)[-_.]?key|passw(?:or)?d"
    r"|(?:^|[-_.])(?:client|app|webhook)[-_.]?secret|(?:^|[-_.])(?:token|key)$",
    re.IGNORECASE,
)
"""The names of headers and parameters whose value is searched for in other text."""

_LOOKS_SECRET = re.compile(
    r"(?i:basic|bearer|token)\s|sk-|(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[\w.~+/=-]{20,1000}$"
)
"""The values of unknown headers that are searched for in other text: credentials with their scheme,
keys, and long words of small letters, capitals and digits, such as tokens."""

_SECRET_KEY = re.compile(
    r"(?:api|access|private|secret|subscription)[-_]?key$|client[-_]?secret$|passw(?:or)?d$"
    r"|(?:access|auth|authorization|bearer|refresh|session)[-_]?token$",
    re.IGNORECASE,
)
"""The keys of JSON objects whose value is a secret if it is a string."""

_NAMES_A_SECRET = re.compile(
    rb'(?:authorization|cookie|key|passw(?:or)?d|secret|token)"\s*:', re.IGNORECASE
)
"""Finds out without parsing whether JSON may have a secret key."""

_PARAMETER_IN_TEXT = r"""([?&;#]([\w.%-]{1,100})=)([^&#;\s"'<>\\]+)"""
_JSON_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')

_USERINFO = re.compile(r"(?<=://)[^/?#\s@]*@")
_USERINFO_BYTES = re.compile(rb"(?<=://)[^/?#\s@\"\\]*@")
_PARAMETER_IN_BYTES = re.compile(_PARAMETER_IN_TEXT.encode())


@lru_cache(maxsize=256)  # without it, a call of the client takes 15 µs longer
def is_harmless_header(name: str) -> bool:
    """Whether a header of this name never holds a secret.

    Args:
        name: the name of the header, in any case.

    >>> is_harmless_header("Anthropic-Version"), is_harmless_header("x-my-gateway-key")
    (True, False)
    """
    name = name.lower()
    is_known = name in HARMLESS_HEADERS or name.startswith(_HARMLESS_BEGINNINGS)
    return is_known and not _SOUNDS_SECRET.search(name)


def _with_standard_names(names: Iterable[str]) -> frozenset[str]:
    if isinstance(names, str):
        raise TypeError(
            f"secrets must be a list or tuple of names, got one string: {names!r}; "
            f"write [{names!r}]"
        )
    return SECRET_NAMES | {name.lower() for name in names} if names else SECRET_NAMES


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
    found: set[str] = attrs.field(factory=set[str], init=False, repr=False)

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

    def url(self, url: str, harmless: frozenset[str] | None = HARMLESS_PARAMETERS) -> str:
        """`url` without user, password, and the values of parameters that may be secret.

        Args:
            url: the URL.
            harmless: the parameters to keep; `None` for all that do not have the name of a secret.
        """
        for userinfo in _USERINFO.findall(url):
            for secret in userinfo[:-1].split(":"):
                self._find(unquote(secret))
        address, question_mark, query = _USERINFO.sub("", url).partition("?")
        query, hash_mark, fragment = query.partition("#")
        query = "&".join(
            self._parameter(*piece.partition("="), harmless) for piece in query.split("&")
        )
        return "".join([address, question_mark, query, hash_mark, self.query(fragment)])

    def query(self, query: str) -> str:
        """A form without the values of secret parameters."""
        return "&".join(self._parameter(*piece.partition("=")) for piece in query.split("&"))

    def _parameter(
        self, name: str, equals_sign: str, value: str, harmless: frozenset[str] | None = None
    ) -> str:
        """A parameter without its value if that is secret; with `harmless`, if it may be one."""
        plain = unquote_plus(name).lower()
        is_secret = self._is_secret(plain)
        if not equals_sign or not (is_secret or (harmless is not None and plain not in harmless)):
            return f"{name}{equals_sign}{value}"
        if is_secret:
            self._find_in_content(unquote_plus(value))
        return f"{name}{equals_sign}{PLACEHOLDER}"

    def _is_secret(self, name: str) -> bool:
        """Whether a header or a parameter has the name of a secret."""
        return name.lower() in self.names or bool(_SOUNDS_SECRET.search(name))

    def json(self, value: Any) -> Any:
        """The JSON `value` without everything under a secret key."""
        return json.loads(json.dumps(value, ensure_ascii=False), object_hook=self._object)

    def _object(self, members: dict[str, Any]) -> dict[str, Any]:
        for name, value in members.items():
            if name.lower() in self.names or (isinstance(value, str) and _SECRET_KEY.search(name)):
                for text in _strings_in(value):
                    self._find_in_content(text)
                members[name] = PLACEHOLDER
        return members

    def body(self, content: bytes) -> None:
        """Find the secrets in the body of a request, if it is JSON."""
        if _NAMES_A_SECRET.search(content):
            with suppress(ValueError, RecursionError):
                self.json(json.loads(content))

    def _value(self, name: str, value: str) -> str:
        if name.lower() not in self.names and is_harmless_header(name):
            return value
        is_id = name.lower().endswith("id")  # a body may have the same identifier
        if self._is_secret(name) or (not is_id and _LOOKS_SECRET.match(value)):
            for secret in _SECRETS_IN_HEADER.get(name.lower(), _whole)(value):
                self._find(secret)
        return PLACEHOLDER

    def _find(self, secret: str) -> None:
        if len(secret) >= SHORTEST_SEARCHED:
            self.found.add(secret)

    def _find_in_content(self, secret: str) -> None:
        if len(self.found) < _MOST_OF_CONTENT:
            self._find(secret)

    # --- the same values elsewhere ---

    def text(self, text: str) -> str:
        """`text` without the values found so far, and without the secrets of any URL in it."""
        return self._text(text, self.searched_for())

    def _text(self, text: str, secrets: Iterable[bytes]) -> str:
        if secrets:
            text = _without(text, secrets)
        text = _USERINFO.sub("", text)
        return re.sub(_PARAMETER_IN_TEXT, self._parameter_in_text, text)

    def _parameter_in_text(self, found: re.Match[str]) -> str:
        if not self._is_secret(unquote_plus(found[2])):
            return found[0]
        return f"{found[1]}{PLACEHOLDER}"

    def texts(self, value: Any) -> Any:
        """The JSON `value`, with `text` applied to each string in it, keys included."""
        text = json.dumps(value, ensure_ascii=False)
        secrets = _those_in(text, self.searched_for())
        return json.loads(
            _JSON_STRING.sub(lambda string: self._json_string(string[0], secrets), text)
        )

    def _json_string(self, string: str, secrets: Iterable[bytes]) -> str:
        return json.dumps(self._text(json.loads(string), secrets), ensure_ascii=False)

    def blot(self, data: bytes) -> bytes:
        """The body `data` with asterisks in place of the values found so far, and of the secrets of
        URLs.

        Its length is unchanged.
        """
        return blot(data, self.searched_for(), self._places_in_urls)

    def _places_in_urls(self, data: bytes) -> Iterator[Place]:
        for userinfo in _USERINFO_BYTES.finditer(data):
            yield userinfo.start(), userinfo.end() - 1
        for found in _PARAMETER_IN_BYTES.finditer(data):
            if self._is_secret(unquote_plus(text_of(found[2]))):
                yield found.span(3)

    def searched_for(self) -> frozenset[bytes]:
        """The values found so far, as `secret_search` looks for them."""
        return frozenset[bytes]().union(*map(searched_for, self.found))


def _those_in(text: str, secrets: Iterable[bytes]) -> list[bytes]:
    """The secrets of which at least the beginning is in `text`."""
    plain = Plain(encoded(text))
    return [secret for secret in secrets if any(plain.places(secret))]


def _without(text: str, secrets: Iterable[bytes]) -> str:
    data = encoded(text)
    parts: list[bytes] = []
    end = 0
    for start, next_end in united(Plain(data).places_of(secrets)):
        parts += [data[end:start], PLACEHOLDER.encode()]
        end = next_end
    return b"".join([*parts, data[end:]]).decode("utf-8", "surrogatepass")


def _whole(value: str) -> list[str]:
    return [value, *_credentials(value)]


def _credentials(value: str) -> list[str]:
    scheme, _, credentials = value.rpartition(" ")
    if scheme.lower() != "basic":
        return [credentials]
    try:
        plain = text_of(base64.b64decode(credentials, validate=True))
    except binascii.Error:
        return [credentials]
    return [credentials, plain, *plain.split(":", 1)]


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
