"""Secrets: no recording has one, however an answer repeats it; harmless values are kept."""

from __future__ import annotations

import base64
import json

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.transports import (
    RecordedError,
    RecordedRequest,
    RecordedResponse,
    Recording,
)
from streamfold.transports.recording import Redaction, is_harmless_header
from streamfold.transports.recording.redaction import HARMLESS_HEADERS, SECRET_NAMES

from tests.support.recordings import chunk_sizes, data_of

SECRET = "sk-ant-api03-do-not-tell"


def all_bytes_of(data):
    """The bytes of a file, and of everything that is base64 in it, with the chunks joined."""
    lines = [json.loads(line) for line in data.decode().split("\n") if line]
    chunks = [
        base64.b64decode(line["base64"]) if "base64" in line else line["text"].encode()
        for line in lines[1:]
    ]
    content = lines[0]["request"].get("base64", "")
    return b"\n".join([data, b"".join(chunks), base64.b64decode(content)])


def request(**parts):
    return RecordedRequest(**{"method": "POST", "url": "https://example.com/v1", **parts})


@pytest.mark.parametrize(
    "asked",
    [
        request(headers={"X-API-Key": SECRET}),
        request(headers={"Authorization": f"Bearer {SECRET}"}),
        request(headers={"proxy-authorization": f"Basic {SECRET}"}),
        request(headers={"Cookie": f"a=b; session={SECRET}"}),
        request(headers={"X-My-Token": SECRET}),
        request(url=f"https://me:{SECRET}@example.com/v1"),
        request(url=f"https://{SECRET}@example.com/v1"),
        request(url=f"https://example.com/v1?a=b&my%5Ftoken={SECRET}#top"),
        request(url=f"https://example.com/v1?My_Token={SECRET}&My_Token={SECRET}"),
        request(body={"mcp_servers": [{"authorization_token": SECRET}]}),
        request(body={"metadata": {"My_Token": {"deep": ["down", SECRET, 1]}}}),
        request(content=f"a=b&my_token={SECRET}".encode()),
        request(headers={"x-api-key": SECRET}, content=b"\xff" + SECRET.encode()),
        request(headers={"x-api-key": SECRET}, body=[f"my key is {SECRET}", {SECRET: 1}]),
        request(headers={"x-api-key": SECRET, "x-copy": SECRET}, url=f"https://e.com/{SECRET}"),
    ],
)
def test_no_secret_is_written_though_the_answer_repeats_it(asked):
    names = ["my_token", "x-my-token"]
    answer = f'data: {{"error": "invalid x-api-key: {SECRET}"}}\n\n'.encode() + b"\xff"
    recording = Recording(
        Recording.of(answer).rechunk(5).chunks,
        request=asked,
        response=RecordedResponse(
            401, {"set-cookie": "session=12345678", "location": f"/{SECRET}"}
        ),
        ended="error",
        error=RecordedError("ProxyError", f"{SECRET}: http://me:12345678@proxy refused"),
    )
    data = recording.to_bytes(secrets=names)
    written = all_bytes_of(data)
    assert SECRET.encode() not in written
    assert b"12345678" not in written
    again = Recording.from_bytes(data)
    assert list(map(len, data_of(again))) == list(map(len, data_of(recording)))
    assert again.to_bytes(secrets=names) == data


@pytest.mark.parametrize("name", sorted(SECRET_NAMES))
def test_every_secret_name_is_one_as_a_header_a_parameter_and_a_key(name):
    asked = request(
        headers={name.upper(): f"a {SECRET}"},
        url=f"https://example.com/v1?{name}={SECRET}",
        body={name.title(): SECRET},
    )
    response = RecordedResponse(headers={name: SECRET})
    hidden = Recording((), request=asked, response=response).redacted()
    assert hidden.request.headers == ((name.upper(), "[secret]"),)
    assert hidden.request.url == f"https://example.com/v1?{name}=[secret]"
    assert hidden.request.body == {name.title(): "[secret]"}
    assert hidden.response.headers == ((name, "[secret]"),)


@pytest.mark.parametrize("name", ["X-My-Gateway-Key", "helicone-auth", "x-copy", "key", ""])
def test_a_header_of_any_other_name_is_not_harmless_but_kept_in_recordings(name):
    assert not is_harmless_header(name)
    assert Redaction().headers([(name, "value")]) == ((name, "value"),)
    assert Redaction([name]).headers([(name, "value")]) == ((name, "[secret]"),)


@pytest.mark.parametrize("name", HARMLESS_HEADERS)
def test_no_secret_name_is_harmless(name):
    assert is_harmless_header(name.title() + "x")
    assert not any(secret.startswith(name) for secret in SECRET_NAMES)


def test_a_secret_that_begins_with_another_leaves_no_rest():
    redaction = Redaction()
    redaction.headers([("x-api-key", SECRET), ("api-key", f"{SECRET}-and-more")])
    assert redaction.text(f"{SECRET}-and-more, {SECRET}") == "[secret], [secret]"


def test_a_url_in_the_body_loses_its_password():
    asked = request(body={"source": f"https://me:{SECRET}@example.com/a.png", "at": "me@a.com"})
    redacted = Recording((), request=asked).redacted().request
    assert redacted.body == {"source": "https://example.com/a.png", "at": "me@a.com"}


@given(st.text("abcdef-_0123456789", min_size=12, max_size=16), st.binary(), chunk_sizes)
def test_a_secret_is_found_however_the_answer_was_cut(secret, rest, sizes):
    answer = Recording.of(rest + secret.encode() + secret[:5].encode() + rest).rechunk(sizes)
    asked = request(url=f"https://e.com/{secret}", headers={"x-api-key": secret}, body=[secret])
    data = attrs.evolve(answer, request=asked).to_bytes()
    assert secret.encode() not in all_bytes_of(data)


def test_the_words_beside_a_secret_in_a_header_are_kept_elsewhere():
    cookie = f"__cf_bm={SECRET}; path=/; domain=.anthropic.com; HttpOnly; SameSite=NoneWhatsoever"
    asked = request(
        url="https://api.anthropic.com/v1", headers={"authorization": f"Bearer {SECRET}"}
    )
    recording = attrs.evolve(
        Recording.of(b"data: HttpOnly .anthropic.com NoneWhatsoever Bearer\n\n"),
        request=asked,
        response=RecordedResponse(headers={"set-cookie": cookie}),
    )
    redacted = recording.redacted()
    assert (redacted.request.url, redacted.chunks) == (asked.url, recording.chunks)
    assert redacted.response.headers == (("set-cookie", "[secret]"),)


def test_everything_else_is_kept():
    recording = Recording(
        Recording.of(b"data: key1\n\n").chunks,
        request=RecordedRequest(
            "POST",
            "https://example.com/v1?beta=true&key",
            {"x-api-key": "key1", "anthropic-version": "2023-06-01"},
            {"user": "me@example.com", "key": "key1"},
        ),
        response=RecordedResponse(headers={"anthropic-organization-id": "org_1"}),
    )
    hidden = recording.redacted()
    headers = (("x-api-key", "[secret]"), ("anthropic-version", "2023-06-01"))
    assert hidden == attrs.evolve(
        recording, request=attrs.evolve(recording.request, headers=headers)
    )
