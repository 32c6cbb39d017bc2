"""The server, the three shells, and what runs the tests of each."""

from __future__ import annotations

import pytest

from tests.support.loopback import server
from tests.support.shells import Shell

__all__ = ["server"]


@pytest.fixture(params=["sync", "asyncio", "trio"])
def shell(request: pytest.FixtureRequest) -> Shell:
    return Shell(request.param)


@pytest.fixture
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """What runs an async test: what its shell needs, if it has one."""
    shell = request.getfixturevalue("shell") if "shell" in request.fixturenames else None
    return "trio" if shell is not None and shell.name == "trio" else "asyncio"
