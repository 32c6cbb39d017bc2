"""A sample project in which pytest runs with the plugin, with and without a network."""

from __future__ import annotations

import itertools

import anthropic
import httpcore
import httpcore2
import pytest
import streamfold.adapters.anthropic
import streamfold.adapters.httpx2
from streamfold.adapters import pytest_plugin, pytest_transports

from tests.support.events import body, end, message_start, text_block
from tests.support.loopback import Server, event_stream
from tests.support.shells import KEY

IMPORTED = [anthropic, httpcore, httpcore2, pytest_transports, streamfold.adapters]
"""Imported here once, because pytester unloads the modules that a sample project imports first."""

USAGE = {"input_tokens": 1, "output_tokens": 1}
ENDED = [{**event, "usage": USAGE} if "delta" in event else event for event in end()]


def answer(text):
    """The API's answer with this text, in small chunks."""
    return event_stream(body(message_start(usage=USAGE), *text_block(0, text), *ENDED), chunks=100)


SAMPLE = """
import asyncio, os
import anthropic, httpx, httpx2, pytest
from streamfold.adapters.anthropic import Anthropic, AsyncAnthropic

URL = os.environ["SAMPLE_URL"]
OPTIONS = {"base_url": URL, "max_retries": 0}

def asked(word):
    return {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": word}]}

def ours(streams, *words):
    with httpx.Client(transport=streams.transport) as http:
        client = Anthropic(http_client=http, **OPTIONS)
        for word in words:
            with client.messages.stream(**asked(word)) as stream:
                yield stream.get_final_text()

def official(streams, *words):
    with httpx2.Client(transport=streams.httpx2_transport) as http:
        client = anthropic.Anthropic(http_client=http, **OPTIONS)
        for word in words:
            with client.messages.stream(**asked(word)) as stream:
                yield stream.get_final_text()

async def ours_async(streams, word):
    async with httpx.AsyncClient(transport=streams.transport) as http:
        client = AsyncAnthropic(http_client=http, **OPTIONS)
        async with client.messages.stream(**asked(word)) as stream:
            return await stream.get_final_text()
"""
"""The beginning of each module of a project: three ways to stream from the API."""


class Sample:
    """A project in a temporary directory."""

    def __init__(self, pytester, monkeypatch):
        self.pytester = pytester
        self.path = pytester.path
        self.monkeypatch = monkeypatch

    def module(self, name, code):
        """Write a module of tests, which begins with `SAMPLE`."""
        path = self.path / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SAMPLE + code, "utf-8")

    def run(self, *arguments):
        """Run its tests without a network; return the result."""
        return self.pytester.runpytest_inprocess(
            *("-p", "no:cacheprovider", "-W", "default::pytest.PytestWarning"),
            *arguments,
            plugins=[pytest_plugin],
        )

    def record(self, *arguments, answers=("Hi",), mode="once"):
        """Run its tests with a network that gives these answers; return the result and the
        requests."""
        with Server() as server:
            self.monkeypatch.setenv("SAMPLE_URL", server.url)
            server.answer(*map(answer, answers))
            result = self.run(f"--record-streams={mode}", *arguments)
        for path in self.path.rglob("*.jsonl"):
            assert KEY.encode() not in path.read_bytes()
        return result, server.requests

    @property
    def files(self):
        """The recordings, relative to the project."""
        return sorted(p.relative_to(self.path).as_posix() for p in self.path.rglob("*.jsonl"))

    def unused(self, *arguments):
        """The recordings that a run lists as unused."""
        lines = self.run(*arguments).outlines
        titles = [at for at, line in enumerate(lines) if "recordings that no test uses" in line]
        if not titles:
            return []
        listed = itertools.takewhile(lambda line: line.endswith(".jsonl"), lines[titles[0] + 1 :])
        return [line.replace("\\", "/") for line in listed]


@pytest.fixture
def sample(pytester, monkeypatch):
    """A project whose tests reach the network by its URL only."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("SAMPLE_URL", "http://127.0.0.1:1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    return Sample(pytester, monkeypatch)
