"""The files of recordings: one per test, with names that every system accepts."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from streamfold.adapters.pytest_file_names import file_name

from tests.support.sample_project import sample

__all__ = ["sample"]

pytest_plugins = ["pytester"]

NAMES = st.one_of(
    st.from_regex(r"test_[a-z]{1,3}(\[[\w./-]{0,4}\])?", fullmatch=True),
    st.text(max_size=200),
)


@given(NAMES, NAMES)
@example("test_a[x]", "test_a[X]")
@example("test_a[b-c]", "test_a[b_c]")
@example("test_" + "a" * 200, "test_" + "a" * 201)
def test_two_tests_never_have_the_same_file(one, other):
    names = [file_name(one), file_name(other)]
    assert (names[0].casefold() == names[1].casefold()) == (one == other)
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9_.~\[\]-]{1,120}", name)
        assert not re.search(r"-\d+$", name)
        assert not name.startswith(".")


@given(st.from_regex(r"test_[a-z0-9_]{1,20}(\[[a-z0-9_.-]{1,10}\])?", fullmatch=True))
def test_a_plain_name_stays_as_it_is(name):
    assert file_name(name) == name


# --- the marker -----------------------------------------------------------------------------------


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
    ("arguments", "reason"),
    [
        ("'../outside'", "expected a recording's name of letters*, got '../outside'"),
        ("'/absolute'", "expected a recording's name of letters*"),
        ("'dotted.name'", "expected a recording's name of letters*"),
        ("nam='x'", "recording() *unexpected keyword argument 'nam'*; it takes a name, match= *"),
        ("'a', 'b'", "*positional argument*"),
    ],
)
def test_unusable_markers(arguments, reason, sample):
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
    result.stdout.fnmatch_lines([f"@pytest.mark.recording: {reason}"])
    assert sample.unused() == []


def test_a_long_name_is_cut_to_60_characters_and_a_hash() -> None:
    longest = "test_" + "x" * 115
    assert file_name(longest) == longest
    assert file_name(f"{longest}y") == f"{longest[:60]}~" + file_name(f"{longest}y")[-12:]
    assert file_name(f"{longest}y") != file_name(f"{longest}z")


def test_a_name_may_have_half_of_a_pair() -> None:
    assert file_name("test_a[\ud800]") != file_name("test_a[\ud801]")
    assert re.fullmatch(r"test_a~[0-9a-f]{12}", file_name("test_a[\ud800]"))
