"""Every HTTP library that a stream can be read over, behind one interface.

A `Library` is one of them with sync streams, or with async ones on one of its event loops.
"""

from __future__ import annotations

from typing import Any

import attrs
import httpx
import httpx2
import streamfold.adapters.httpx2 as adapters_httpx2
from streamfold import transports
from streamfold.adapters.aiohttp import AiohttpTransport, DefaultAioHttpClient
from streamfold.adapters.client.asyncio_network import time_reads
from streamfold.adapters.client.http_clients import AsyncHTTPClient
from streamfold.adapters.urllib3 import DefaultUrllib3Client, Urllib3Transport

from tests.support.shells import NO_TLS, TIMEOUT, Shell


def _own_transport(**options: Any) -> httpx.AsyncHTTPTransport:
    transport = httpx.AsyncHTTPTransport(**options)
    time_reads(transport)
    return transport


_CLIENTS: dict[str, Any] = {
    "own": AsyncHTTPClient,
    "aiohttp": DefaultAioHttpClient,
    "urllib3": DefaultUrllib3Client,
}
_TRANSPORTS: dict[str, Any] = {
    "own": _own_transport,
    "aiohttp": AiohttpTransport,
    "urllib3": Urllib3Transport,
}
"""The clients and transports that send for httpx. "own" is httpx with connections of ours."""


@attrs.frozen
class Library:
    """A library and an event loop.

    Attributes:
        name: "httpx", "own", "httpx2", "aiohttp" or "urllib3".
        shell: the stream that reads: sync, or async on an event loop.
    """

    name: str
    shell: Shell

    def __str__(self) -> str:
        return f"{self.name}-{self.shell.name}"

    @property
    def module(self) -> Any:
        """The module whose exceptions it raises."""
        return httpx2 if self.name == "httpx2" else httpx

    def client(self, **options: Any) -> Any:
        """A client of the library."""
        options = {"trust_env": False, "verify": NO_TLS, **options}
        options.setdefault("timeout", self.module.Timeout(**TIMEOUT.as_dict()))
        if self.name in _CLIENTS:
            return _CLIENTS[self.name](**options)
        kind = self.module.Client if self.shell.is_sync else self.module.AsyncClient
        return kind(**options)

    def transport(self) -> Any:
        """A transport of the library that sends."""
        if self.name in _TRANSPORTS:
            return _TRANSPORTS[self.name](verify=NO_TLS)
        kinds = self.module.HTTPTransport, self.module.AsyncHTTPTransport
        return kinds[not self.shell.is_sync](verify=NO_TLS)

    @property
    def recording(self) -> Any:
        """The module with its recording and replaying transports."""
        return adapters_httpx2 if self.name == "httpx2" else transports


LIBRARIES = [
    Library(name, Shell(shell))
    for name, shells in {
        "httpx": ("sync", "asyncio"),  # all other tests run it, also on trio
        "own": ("asyncio",),  # on trio it is httpx
        "httpx2": ("sync", "asyncio"),
        "aiohttp": ("asyncio",),
        "urllib3": ("sync",),
    }.items()
    for shell in shells
]
