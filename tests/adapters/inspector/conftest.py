"""The browser, and pages in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamfold.adapters.inspector import render
from streamfold.transports import Recording

from tests.support.browser import Browser, ShownPage, open_browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests."""
    with open_browser() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[ShownPage]:
    """A page; the test fails if it makes a request or writes to the console."""
    with browser.page() as page:
        yield page
        assert page.requests == []
        assert page.messages == []


@pytest.fixture
def inspect(page: ShownPage, tmp_path: Path) -> Callable[..., ShownPage]:
    """Shows a recording, or two, in the page."""

    def inspect(*recordings: Recording, **names: Any) -> ShownPage:
        file = tmp_path / "page.html"
        file.write_text(render(*recordings, **names), "utf-8")
        page.open(file)
        return page

    return inspect
