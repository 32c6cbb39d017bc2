"""A Chromium without a window, driven by Playwright, for the tests of the inspector's page.

The browser comes from the system's packages (`apt-get install chromium`). Without one, or without
Playwright, the tests that ask for it are skipped and their reason is in the summary.

Playwright runs in a thread of its own, because it leaves its event loop running in the thread that
uses it, where the tests of asyncio would find it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Browser", "ShownPage", "open_browser"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]
_TIMEOUT = 60_000
_VIEWPORT = {"width": 1440, "height": 900}

Call = Callable[..., Any]
"""Calls a function with arguments, in the thread of Playwright."""


class ShownPage:
    """A page in the browser.

    Attributes:
        requests: the URLs of its requests, its own not among them.
        messages: what it wrote to the console, and its uncaught errors.
    """

    def __init__(self, call: Call, page: Any) -> None:
        self._call = call
        self._page = page
        self.requests: list[str] = []
        self.messages: list[str] = []
        self._media = False
        self._resized = False
        call(page.on, "console", lambda message: self.messages.append(message.text))
        call(page.on, "pageerror", lambda error: self.messages.append(str(error)))
        call(page.on, "request", lambda request: self.requests.append(request.url))

    def do(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of Playwright's page, such as `click` or `screenshot`."""
        return self._call(getattr(self._page, method), *arguments, **options)

    def reset(self) -> None:
        """Forget what the last page did, its media and its size."""
        self.requests.clear()
        self.messages.clear()
        if self._media:
            self.do("emulate_media", media="null", color_scheme="null")
            self._media = False
        if self._resized:
            self.do("set_viewport_size", _VIEWPORT)
            self._resized = False

    def resize(self, width: int, height: int) -> None:
        """Give the window this size, until `reset`. It is for the page that is opened next."""
        self._resized = True
        self.do("set_viewport_size", {"width": width, "height": height})

    def media(self, **features: str) -> None:
        """Emulate a medium, or a theme, until `reset`."""
        self._media = True
        self.do("emulate_media", **features)

    def open(self, file: Path) -> None:
        """Load the file, and wait until the inspector is ready and drawn."""
        self.do("goto", file.as_uri(), timeout=_TIMEOUT)
        self.do("wait_for_selector", "html[data-ready=true]", timeout=_TIMEOUT)
        self.frame()
        assert self.requests.pop(0) == file.as_uri()

    def run(self, script: str, argument: Any = None) -> Any:
        """The value of a JavaScript expression, or of a function of the argument."""
        return self.do("evaluate", script, argument)

    def json(self, script: str, argument: Any = None) -> Any:
        """As `run`, by way of JSON text."""
        call = f"async (argument) => JSON.stringify(await ({script})(argument))"
        return json.loads(self.run(call, argument))

    def text(self, selector: str) -> str:
        """The text of the first element that fits."""
        text: str = self.do("inner_text", selector)
        return text

    def wait(self, script: str) -> None:
        """Wait until a JavaScript expression is true. The page's policy forbids it to do so."""
        for _ in range(_TIMEOUT // 50):
            if self.run(script):
                return
            self.do("wait_for_timeout", 50)
        pytest.fail(f"still not true: {script}")

    def frame(self) -> None:
        """Wait for a whole frame: what depends on sizes is drawn at its end."""
        self.run("new Promise((end) => requestAnimationFrame(() => requestAnimationFrame(end)))")

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self._call(self._page.keyboard.press, key)


class Browser:
    """The browser. Each page is in a profile of its own."""

    def __init__(self, call: Call, browser: Any) -> None:
        self._call = call
        self._browser = browser

    @contextmanager
    def page(self, **options: Any) -> Iterator[ShownPage]:
        """A new page. The options are those of Playwright's `new_context`."""
        options = {"viewport": _VIEWPORT, **options}
        context = self._call(self._browser.new_context, **options)
        try:
            yield ShownPage(self._call, self._call(context.new_page))
        finally:
            self._call(context.close)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Chromium; without it, skips the test."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="needs Playwright: pip install playwright"
    )
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip("needs a Chromium of the system's packages: apt-get install chromium")
    with ThreadPoolExecutor(1) as thread:

        def call(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
            return thread.submit(function, *arguments, **options).result()

        driver = call(playwright.sync_playwright().start)
        browser = call(driver.chromium.launch, executable_path=path, args=_FLAGS)
        try:
            yield Browser(call, browser)
        finally:
            call(browser.close)
            call(driver.stop)
