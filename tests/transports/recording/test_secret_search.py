"""The search for secrets: every way of writing a character, and the beginnings of secrets."""

from __future__ import annotations

import html

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from streamfold.transports.recording.secret_search import (
    Plain,
    cut_character,
    encoded,
    searched_for,
    united,
)

from tests.support.echoes import FORMS, echoes, secrets
from tests.support.effort import effort

SECRET = b"0123456789abcdefghij"

OTHER_FORMS = {
    "UTF-16": lambda text: text.encode("utf-16-le")[:-1],
    "UTF-16, the other order": lambda text: text.encode("utf-16-be")[1:],
    "UTF-16 in a string of JSON": lambda text: "\\u0000".join(text).encode(),
    "decimal entities": lambda text: "".join(f"&#{ord(c)};" for c in text).encode(),
    "without semicolons": lambda text: "".join(f"&#{ord(c):010}" for c in text).encode(),
    "hexadecimal entities": lambda text: "".join(f"&#x{ord(c):x};" for c in text).encode(),
    "escaped entities": lambda text: "".join(f"\\u0026#X00{ord(c):X};" for c in text).encode(),
    "with backslashes": lambda text: "".join(f"\\\\&#{ord(c)};" for c in text).encode(),
    "named entities": lambda text: html.escape(text).encode(),
}


@effort(500)
@given(st.data())
def test_a_secret_is_found_in_any_writing(data: st.DataObject) -> None:
    secret = data.draw(secrets)
    echo = data.draw(echoes(secret)).encode()
    before, after = data.draw(st.sampled_from([b"", b" ", b'{"a": "', "é".encode()])), b" \\"
    plain = Plain(before + echo + after)
    (form,) = searched_for(secret)
    assert list(plain.places(form)) == [(len(before), len(before + echo))]


@pytest.mark.parametrize("form", range(len(FORMS)))
def test_a_character_outside_of_the_basic_plane(form: int) -> None:
    secret = "pass\U0001f600word-pass"
    echo = encoded("".join(map(FORMS[form], secret)))
    plain = Plain(echo)
    places = [place for each in searched_for(secret) for place in plain.places(each)]
    assert places == [(0, len(echo))]


@pytest.mark.parametrize("form", OTHER_FORMS)
@pytest.mark.parametrize("secret", ["sk-ant/api03_do.not+tell", "a<b>&'c\"d!sk-ant-01"])
def test_a_secret_in_another_writing(form: str, secret: str) -> None:
    echo = OTHER_FORMS[form](secret)
    for before, after in ((b"", b""), (b"key: ", b".")):
        plain = Plain(before + echo + after)
        places = united(plain.places_of(searched_for(secret)))
        assert places == [(len(before), len(before + echo))]


@pytest.mark.parametrize("text", [b"&#1114112;", b"&#xffffff;", b"&#;", b"&#x;", b"&#99999999;"])
def test_an_entity_of_no_character(text: bytes) -> None:
    data = text + SECRET + text
    assert list(Plain(data).places(SECRET)) == [(len(text), len(text + SECRET))]


@given(st.integers(0, len(SECRET)), st.booleans())
def test_a_beginning_is_found_if_it_has_16_characters(length: int, more: bool) -> None:
    text = b"x" + SECRET[:length] + b"!" * more
    places = list(Plain(text).places(SECRET))
    assert places == ([(1, 1 + length)] if length >= 16 else [])
    whole = list(Plain(text).places(SECRET, len(SECRET)))
    assert whole == ([(1, 21)] if length == len(SECRET) else [])


@given(st.text("ab%2\\u0", max_size=30), st.text("ab", min_size=12, max_size=14))
def test_the_unfinished_end_is_the_longest_with_which_the_secret_may_begin(
    text: str, secret: str
) -> None:
    plain = Plain(text.encode())
    beginnings = [
        len(plain.data) - length
        for length in range(1, len(secret))
        if plain.data.endswith(secret[:length].encode())
    ]
    start = plain.unfinished([b"-" * 12, secret.encode()])
    rest = Plain(text.encode()[start:]).data
    assert len(plain.data) - len(rest.rstrip(b"\\")) in [*beginnings, len(plain.data)]
    assert (start == len(text)) == (not beginnings)
    if beginnings:
        assert rest == plain.data[min(beginnings) :]


def test_the_longest_beginning_of_several_secrets() -> None:
    plain = Plain(b"..abcab")
    for secrets_ in ([b"abcabc-secret", b"ab-the-other"], [b"ab-the-other", b"abcabc-secret"]):
        assert plain.unfinished(secrets_) == 2


@pytest.mark.parametrize(
    ("text", "start"),
    [
        (b"abc", 3), (b"", 0), (b"ab\\", 2), (b"ab\\\\", 2), (b"\\u", 0), (b"a\\u00", 1),
        (b"a\\u0041", 7), (b"a%", 1), (b"a%4", 1), (b"a%41", 4), (b"a%25", 1), (b"a%252", 1),
        (b"a%2541", 6), (b"a\\n", 3), (b"a&", 1), (b"a&#", 1), (b"a&#12", 1), (b"a&#xa", 1),
        (b"a&#12;", 6), (b"a\\u0026", 1), (b"a\\\\u0026#1", 1), (b"a&b", 3),
    ],
)  # fmt: skip
def test_the_end_of_a_text_may_cut_a_character(text: bytes, start: int) -> None:
    assert cut_character(text) == start


def test_short_secrets_are_not_searched_for() -> None:
    assert searched_for("12345678901") == frozenset()
    assert searched_for("123456789012") == {b"123456789012"}
    assert searched_for("%41" * 11) == frozenset()


@example([(0, 5), (1, 1), (3, 4)])
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 5))))
def test_united_places_cover_the_same_characters(spans: list[tuple[int, int]]) -> None:
    places = [(start, start + length) for start, length in spans]
    result = united(places)
    covered = {at for start, end in places for at in range(start, end)}
    assert [at for start, end in result for at in range(start, end)] == sorted(covered)
    assert result == sorted(result)
