"""The pytest plugin, in sample projects: recorded once, then green without a network."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from types import SimpleNamespace

import anthropic
import httpcore
import httpcore2
import pytest
import streamfold.adapters.anthropic
import streamfold.adapters.httpx2
from hypothesis import example, given
from hypothesis import strategies as st
from streamfold.adapters import pytest_plugin, pytest_transports
from streamfold.transports import Recording

from tests.support.loopback import Server, event_stream
from tests.support.shells import KEY, body, end, start, text_block

pytest_plugins = ["pytester"]

IMPORTED = [anthropic, httpcore, httpcore2, pytest_transports, streamfold.adapters]
"""Once and here: pytester forgets what a sample is the first to import, others do not."""

PLUGIN = "streamfold.adapters.pytest_plugin"


def answer(text):
    return event_stream(body(start(usage=USAGE), *text_block(0, text), *ENDED), chunks=100)


USAGE = {"input_tokens": 1, "output_tokens": 1}
ENDED = [{**event, "usage": USAGE} if "delta" in event else event for event in end()]

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


@pytest.fixture
def sample(pytester, monkeypatch):
    """A project whose tests know the network only by its URL."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("SAMPLE_URL", "http://127.0.0.1:1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    return Sample(pytester, monkeypatch)


class Sample:
    def __init__(self, pytester, monkeypatch):
        self.pytester = pytester
        self.path = pytester.path
        self.monkeypatch = monkeypatch

    def module(self, name, code):
        path = self.path / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SAMPLE + code, "utf-8")

    def run(self, *arguments):
        """Run its tests, without a network; the result."""
        return self.pytester.runpytest_inprocess(
            "-p", "no:cacheprovider", *arguments, plugins=[pytest_plugin]
        )

    def record(self, *arguments, answers=("Hi",), mode="once"):
        """Run its tests, with a network that answers so in turn: the result, and the requests."""
        with Server() as server:
            self.monkeypatch.setenv("SAMPLE_URL", server.url)
            server.answer(*map(answer, answers))
            result = self.run(f"--record-streams={mode}", *arguments)
        for path in self.path.rglob("*.jsonl"):
            assert KEY.encode() not in path.read_bytes()
        return result, server.requests

    @property
    def files(self):
        return sorted(p.relative_to(self.path).as_posix() for p in self.path.rglob("*.jsonl"))

    def unused(self, *arguments):
        """The recordings that a run lists."""
        lines = self.run(*arguments).outlines
        titles = [at for at, line in enumerate(lines) if "recordings that no test uses" in line]
        if not titles:
            return []
        listed = itertools.takewhile(lambda line: line.endswith(".jsonl"), lines[titles[0] + 1 :])
        return [line.replace("\\", "/") for line in listed]


# --- record and replay --------------------------------------------------------------------------


def test_recorded_once_and_then_green_without_a_network(sample):
    sample.module(
        "test_chat",
        """
def test_ours(recorded_streams):
    assert list(ours(recorded_streams, "Hello")) == ["Hi"]

def test_official(recorded_streams):
    assert list(official(recorded_streams, "Hello")) == ["Hi"]

def test_async(recorded_streams):
    assert asyncio.run(ours_async(recorded_streams, "Hello")) == "Hi"

class TestClass:
    @pytest.mark.parametrize("word", ["one", "TWO", "a/b"])
    def test_words(self, recorded_streams, word):
        assert list(ours(recorded_streams, word)) == ["Hi"]
""",
    )
    result, requests = sample.record()
    result.assert_outcomes(passed=6)
    assert len(requests) == 6
    assert all(KEY in "".join(request.headers.values()) for request in requests)
    assert [re.sub("~.*[.]", "~….", name) for name in sample.files] == [
        "recordings/test_chat/TestClass.test_words-TWO~….jsonl",
        "recordings/test_chat/TestClass.test_words-a-b~….jsonl",
        "recordings/test_chat/TestClass.test_words[one].jsonl",
        "recordings/test_chat/test_async.jsonl",
        "recordings/test_chat/test_official.jsonl",
        "recordings/test_chat/test_ours.jsonl",
    ]
    result = sample.run()
    result.assert_outcomes(passed=6)
    result.stdout.no_fnmatch_line("*recordings*")
    sample.run("--record-streams=once").assert_outcomes(passed=6)


def test_one_recording_serves_both_libraries(sample):
    sample.module(
        "test_both",
        """
def test_it(recorded_streams):
    assert list(ours(recorded_streams, "Hello")) == ["Hi"]
    if not recorded_streams.record:
        assert list(official(recorded_streams, "Hello")) == ["Hi"]
        assert recorded_streams.transport is recorded_streams.transport
""",
    )
    code = sample.path / "test_both.py"
    code.write_text(code.read_text().replace("def asked(word):", EXACTLY + "def asked(word):"))
    sample.record()[0].assert_outcomes(passed=1)
    sample.run().assert_outcomes(passed=1)


EXACTLY = """
OPTIONS["base_url"] = URL
"""


def test_without_a_recording_a_test_fails_and_says_how_to_make_one(sample):
    sample.module(
        "test_chat",
        """
@pytest.mark.parametrize("word", ["it's"])
def test_it(recorded_streams, word):
    assert list(ours(recorded_streams, word)) == ["Hi"]

def test_that_asks_nothing(recorded_streams):
    pass
""",
    )
    result = sample.run()
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        [
            "there is no recording for this test: *test_it-it-s~*.jsonl is missing.",
            "To make it, which sends real requests:",
            "*pytest --record-streams=once *",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    assert sample.files == []


def test_all_records_again_and_leaves_nothing_of_before(sample):
    sample.module(
        "test_chat",
        """
def test_it(recorded_streams):
    words = os.environ["WORDS"].split()
    assert list(ours(recorded_streams, *words)) == os.environ["ANSWERS"].split()
""",
    )
    turns = [f"recordings/test_chat/test_it{number}.jsonl" for number in ("-2", "-3", "")]
    sample.monkeypatch.setenv("WORDS", "a b c")
    sample.monkeypatch.setenv("ANSWERS", "1 2 3")
    sample.record(answers="123")[0].assert_outcomes(passed=1)
    assert sample.files == turns
    sample.run().assert_outcomes(passed=1)
    sample.monkeypatch.setenv("WORDS", "a b")
    sample.monkeypatch.setenv("ANSWERS", "4 5")
    sample.run("--record-streams=once").assert_outcomes(failed=1)
    sample.record(answers="45", mode="all")[0].assert_outcomes(passed=1)
    assert sample.files == [turns[0], turns[2]]
    sample.run().assert_outcomes(passed=1)


def test_another_request_than_the_recorded_one_fails_and_says_how_it_differs(sample):
    code = """
def test_it(recorded_streams):
    assert list(ours(recorded_streams, "Hello")) == ["Hi"]
"""
    sample.module("test_chat", code)
    sample.record()
    sample.module("test_chat", code.replace("Hello", "Good-bye"))
    result = sample.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*UnmatchedRequestError: no recording fits *", "*Good-bye*"])


def test_what_to_send_with_can_be_overridden(sample):
    code = """
@pytest.fixture
def recording_transport():
    body = b"data: {}\\\\n\\\\n"
    return httpx.MockTransport(lambda request: httpx.Response(200, stream=httpx.ByteStream(body)))

def test_it(recorded_streams):
    with httpx.Client(transport=recorded_streams.transport) as http:
        assert http.post("https://example.com/").text == "data: {}\\\\n\\\\n"
"""
    sample.module("test_chat", code)
    sample.run("--record-streams=once").assert_outcomes(passed=1)
    sample.module("test_chat", code.replace("body =", "assert not 'needed for a replay'; body ="))
    sample.run().assert_outcomes(passed=1)


def test_secrets_that_the_configuration_names_are_not_written_and_still_match(sample):
    sample.pytester.makeini("[pytest]\nrecording_secrets = x-team user_id")
    code = """
def test_it(recorded_streams):
    headers = {"x-team": "secret-of-the-team", "x-other": "public"}
    with httpx.Client(transport=recorded_streams.transport, headers=headers) as http:
        http.post(URL, json={"metadata": {"user_id": "secret-of-the-user"}})
"""
    sample.module("test_chat", code)
    sample.record()[0].assert_outcomes(passed=1)
    recorded = (sample.path / sample.files[0]).read_text("utf-8")
    assert "secret-of" not in recorded
    assert "public" in recorded
    sample.module("test_chat", code.replace("secret-of-the-user", "another-one"))
    sample.run().assert_outcomes(passed=1)


# --- the marker ---------------------------------------------------------------------------------


def test_a_marker_names_a_recording_that_tests_share(sample):
    sample.module(
        "below/test_chat",
        """
pytestmark = pytest.mark.recording("weather/rain")

@pytest.mark.parametrize("number", [1, 2])
def test_it(recorded_streams, number):
    assert list(ours(recorded_streams, "Hello")) == ["Hi"]

@pytest.mark.recording("first-2", match="order", speed=1000)
def test_order(recorded_streams):
    assert list(ours(recorded_streams, os.environ.get("WORD", "Hello"))) == ["Hi"]
""",
    )
    result, requests = sample.record()
    result.assert_outcomes(passed=3)
    assert len(requests) == 2
    named = ["below/recordings/first-2.jsonl", "below/recordings/weather/rain.jsonl"]
    assert sample.files == named
    sample.monkeypatch.setenv("WORD", "Whatever")
    sample.run().assert_outcomes(passed=3)
    assert sample.unused() == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("'../outside'", "a recording's name is made of letters*'../outside'"),
        ("'/absolute'", "a recording's name is made of letters*"),
        ("'dotted.name'", "a recording's name is made of letters*"),
        ("nam='x'", "*unexpected keyword argument 'nam'"),
        ("'a', 'b'", "*positional argument*"),
    ],
)
def test_markers_that_make_no_sense(arguments, told, sample):
    sample.module(
        "test_chat",
        f"""
@pytest.mark.recording({arguments})
def test_it(recorded_streams):
    pass

def test_other(recorded_streams):
    pass
""",
    )
    result = sample.run()
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines([f"@pytest.mark.recording: {told}"])
    assert sample.unused() == []


def test_the_marker_is_known_to_strict_pytest(sample):
    result = sample.run("--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.recording(name=None, *"])
    sample.run("--record-streams=sometimes").stderr.fnmatch_lines(["*invalid choice*"])


# --- names --------------------------------------------------------------------------------------


def own_name(name):
    return pytest_plugin._own_name(SimpleNamespace(name=name, listchain=list))


NAMES = st.one_of(
    st.from_regex(r"test_[a-z]{1,3}(\[[\w./-]{0,4}\])?", fullmatch=True),
    st.text(max_size=200),
)


@given(NAMES, NAMES)
@example("test_a[x]", "test_a[X]")
@example("test_a[b-c]", "test_a[b_c]")
@example("test_" + "a" * 200, "test_" + "a" * 201)
def test_two_tests_never_have_the_same_file(one, other):
    names = [own_name(one), own_name(other)]
    assert (names[0].casefold() == names[1].casefold()) == (one == other)
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9_.~\[\]-]{1,120}", name)
        assert not re.search(r"-\d+$", name)
        assert not name.startswith(".")


@given(st.from_regex(r"test_[a-z0-9_]{1,20}(\[[a-z0-9_.-]{1,10}\])?", fullmatch=True))
def test_a_name_that_files_can_have_stays_as_it_is(name):
    assert own_name(name) == name


# --- which are not used -------------------------------------------------------------------------

TWO = """
def test_one(recorded_streams):
    pass

def test_two(recorded_streams):
    pass
"""
USED = ["test_a/test_one", "test_a/test_two", "test_a/test_two-2", "test_b/test_one"]
GONE = ["below/gone", "gone", "test_a/test_gone", "test_gone/test_one"]


@pytest.fixture
def recorded(sample):
    """A project with recordings that its tests use, and with others."""
    sample.module("tests/test_a", TWO)
    sample.module("tests/test_b", TWO)
    for name in (*USED, *GONE):
        Recording.of([]).save(sample.path / "tests" / "recordings" / f"{name}.jsonl")
    Recording.of([]).save(sample.path / "elsewhere" / "recordings" / "gone.jsonl")
    return sample


STALE = [f"tests/recordings/{name}.jsonl" for name in GONE]
OF_A = ["tests/recordings/test_a/test_gone.jsonl"]


@pytest.mark.parametrize("arguments", [(), ("tests",), ("-k", "test_one"), ("--collect-only",)])
def test_recordings_that_no_test_uses_are_listed(arguments, recorded):
    assert recorded.unused(*arguments) == STALE


@pytest.mark.parametrize(
    ("arguments", "listed"),
    [
        (("tests/test_a.py",), OF_A),
        (("tests/test_b.py",), []),
        (("--ignore=tests/test_b.py",), OF_A),
        (("tests/test_a.py::test_one",), []),
        (("tests/test_a.py::test_one", "tests/test_b.py"), []),
        (("-p", "cacheprovider", "--lf"), []),
    ],
)
def test_nothing_is_listed_that_a_test_not_collected_may_use(arguments, listed, recorded):
    assert recorded.unused(*arguments) == listed


@pytest.mark.parametrize(
    "code", ["import missing", "pytest.skip(allow_module_level=True)", "class Test: a = 1 / 0"]
)
def test_modules_that_could_not_be_collected_keep_their_recordings(code, recorded):
    recorded.module("tests/test_a", code)
    assert recorded.unused() == []
    recorded.module("tests/test_a", TWO)
    assert recorded.unused() == STALE


def test_a_test_that_fails_or_is_skipped_keeps_its_recording(recorded):
    recorded.module("tests/test_a", f"{TWO}\npytestmark = pytest.mark.skip")
    assert recorded.unused() == STALE
    recorded.module("tests/test_a", TWO.replace("pass", "assert False"))
    assert recorded.unused("-x") == STALE


def test_a_marker_that_comes_late_keeps_its_recording(recorded):
    recorded.module(
        "tests/test_b",
        """
@pytest.fixture(autouse=True)
def _late(request):
    request.applymarker(pytest.mark.recording("gone"))
"""
        + TWO,
    )
    own = [name for name in recorded.files if "/test_b/" in name]
    assert recorded.unused() == sorted({*STALE, *own} - {"tests/recordings/gone.jsonl"})


def test_where_no_test_asks_for_recordings_nothing_is_said(sample):
    (sample.path / "test_plain.py").write_text("def test_it(): pass")
    (sample.path / "recordings").mkdir()
    (sample.path / "recordings" / "of-somebody-else.jsonl").write_text("{}")
    result = sample.run()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*recordings that*")


def test_tests_that_are_no_functions_have_no_recordings_of_their_own(sample):
    sample.module("test_a", '"""\n>>> 1\n1\n"""\n' + TWO)
    sample.record("--doctest-modules")
    assert sample.unused("--doctest-modules") == []


# --- beside other plugins -----------------------------------------------------------------------


def test_under_xdist_tests_replay_and_nothing_is_listed(sample):
    pytest.importorskip("xdist")
    code = """
import httpx

def test_it(recorded_streams):
    with httpx.Client(transport=recorded_streams.transport) as http:
        assert http.post("https://example.com").text == "data: {}"
"""
    for name in ("test_a", "test_b"):
        (sample.path / f"{name}.py").write_text(code)
        Recording.of([b"data: {}"]).save(sample.path / "recordings" / name / "test_it.jsonl")
    Recording.of([]).save(sample.path / "recordings" / "gone.jsonl")
    assert sample.unused() == ["recordings/gone.jsonl"]
    result = sample.pytester.runpytest_subprocess("-p", "xdist", "-p", PLUGIN, "-n2")
    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("*recordings that*")


def test_loading_it_imports_nothing_heavy():
    heavy = ("httpx", "httpx2", "hypothesis", "asyncio", "attrs", "streamfold.transports")
    code = f"import pytest, sys; before = set(sys.modules); import {PLUGIN}; " + (
        f"print([m for m in {heavy} if m in sys.modules and m not in before])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert done.stdout.decode().strip() == "[]", done.stderr
