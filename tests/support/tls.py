"""The loopback server over TLS, with a certificate of an authority of our own."""

from __future__ import annotations

import ssl

import httpx
import trustme

from tests.support.loopback import Connection, Server

__all__ = ["TRUSTING", "TLSServer", "start_tls"]

_AUTHORITY = trustme.CA()
_CERTIFIED = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
_AUTHORITY.issue_cert("localhost").configure_cert(_CERTIFIED)

TRUSTING = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""The context of a client that trusts the authority."""
_AUTHORITY.configure_trust(TRUSTING)


def start_tls(connection: Connection) -> None:
    """A step: the server's side of the TLS handshake."""
    connection.socket = _CERTIFIED.wrap_socket(connection.socket, server_side=True)


class TLSServer(Server):
    """The server over TLS."""

    def __init__(self) -> None:
        super().__init__()
        self.url = f"https://localhost:{httpx.URL(self.url).port}"

    def _serve(self, connection: Connection) -> None:
        try:
            start_tls(connection)
        except OSError:  # the client does not trust us
            connection.socket.close()
        super()._serve(connection)
