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


@pytest.fixture(scope="session")
def tab(browser: Browser) -> Iterator[ShownPage]:
    """One page for all tests, because a profile of its own for each would take most of the time."""
    with browser.page() as page:
        yield page


@pytest.fixture
def page(tab: ShownPage) -> Iterator[ShownPage]:
    """The page, as if new; the test fails if it makes a request or writes to the console."""
    tab.reset()
    yield tab
    assert tab.requests == []
    assert tab.messages == []


@pytest.fixture
def inspect(page: ShownPage, tmp_path: Path) -> Callable[..., ShownPage]:
    """Shows a recording, or two, in the page."""

    def inspect(*recordings: Recording, **names: Any) -> ShownPage:
        file = tmp_path / "page.html"
        file.write_text(render(*recordings, **names), "utf-8")
        page.open(file)
        return page

    return inspect
