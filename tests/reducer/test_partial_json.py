"""Partial JSON against jiter's partial modes, on every prefix and for every way of growing."""

from __future__ import annotations

import copy
import json
import math
import pickle
import re
import sys
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import jiter
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from streamfold.adapters.strategies import json_documents
from streamfold.reducer import (
    MAX_DEPTH,
    JSONArray,
    JSONObject,
    PartialJSON,
    PartialMode,
    Text,
    parse_partial_json,
    partial_json,
)
from streamfold.reducer.growing import Shared
from streamfold.reducer.partial_json import parse_json_text

from tests.support.effort import effort
from tests.support.json_strategies import mutated, same, soup
from tests.support.model import put_together

MODES: list[PartialMode] = ["on", "trailing-strings"]
NOTHING = object()


def oracle(text: str, mode: PartialMode) -> Any:
    """The value that jiter gives for the beginning of a document; `NOTHING` if it raises."""
    try:
        partial = True if mode == "on" else mode
        return jiter.from_json(text.encode("utf-8", "surrogatepass"), partial_mode=partial)
    except ValueError:
        return NOTHING


def parsed(text: str, mode: PartialMode) -> Any:
    """The value that `parse_partial_json` gives; `NOTHING` if it raises."""
    try:
        return parse_partial_json(text, mode)
    except ValueError:
        return NOTHING


INITIAL = JSONObject({"nothing": "yet"})


def grown(pieces: Iterable[str], mode: PartialMode) -> list[PartialJSON]:
    """The value before the first piece and after each piece."""
    values = [PartialJSON(mode=mode, initial=INITIAL)]
    for piece in pieces:
        values.append(values[-1].append(piece))
    return values


# --- jiter --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@effort(200)
@given(json_documents(nan=True))
@example('{"a": "x\\uD83D\\uDE00y", "a": [1, 2.50, -0, 1e5, tru')
@example('{"a": 1, "a": "unfinished"}')
def test_every_prefix_has_the_value_that_jiter_gives(mode: PartialMode, text: str) -> None:
    for end in range(len(text) + 1):
        expected, got = oracle(text[:end], mode), parsed(text[:end], mode)
        assert same(got, expected), (text[:end], got, expected)
        value = PartialJSON(Text([text[:end]]), mode, INITIAL).value
        assert same(value, INITIAL if expected is NOTHING else expected)


@pytest.mark.parametrize("mode", MODES)
@effort(200)
@given(json_documents(nan=True), st.data())
def test_the_value_does_not_depend_on_the_pieces_or_the_order_of_reading(
    mode: PartialMode, text: str, data: st.DataObject
) -> None:
    ends = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8), label="cuts"))
    ends.append(len(text))

    def check(value: PartialJSON, end: int) -> None:
        expected = oracle(text[:end], mode)
        assert same(value.value, INITIAL if expected is NOTHING else expected)
        if expected is NOTHING:
            with pytest.raises(ValueError, match=r"^not JSON yet: the text ends before a value$"):
                parse_partial_json(value.text, mode)
        else:
            assert same(parse_partial_json(value.text, mode), expected)

    steps = [(PartialJSON(mode=mode, initial=INITIAL), 0)]
    for end in ends:
        value, last = steps[-1]
        steps.append((value.append(text[last:end]), end))
        for step in data.draw(st.lists(st.sampled_from(steps), max_size=2), label="read"):
            check(*step)
    for step in data.draw(st.permutations(steps), label="order"):
        check(*step)


@pytest.mark.parametrize("mode", MODES)
@effort(100)
@given(json_documents(nan=True))
def test_the_value_after_each_character(mode: PartialMode, text: str) -> None:
    for end, value in enumerate(grown(text, mode)):
        expected = oracle(text[:end], mode)
        assert same(value.value, INITIAL if expected is NOTHING else expected)


@effort(200)
@given(json_documents(nan=True))
def test_a_whole_document_has_the_value_that_json_gives(text: str) -> None:
    for mode in MODES:
        assert same(parse_partial_json(text, mode), json.loads(text))


@effort(200)
@given(json_documents())
def test_a_whole_input_has_the_value_that_json_gives(text: str) -> None:
    numbers = []

    def number(digits: str) -> float:
        numbers.append(float(digits))
        return numbers[-1]

    value = json.loads(text, parse_float=number)
    if any(map(math.isinf, numbers)):
        with pytest.raises(ValueError, match=r"^the number .* is out of range$"):
            parse_json_text(text)
    else:
        assert same(parse_json_text(text), value)


def test_a_number_that_no_float_can_hold_is_not_an_input() -> None:
    with pytest.raises(ValueError, match="the number '1e310' is out of range"):
        parse_json_text('{"a":1e310,"a":1}')


@effort(100)
@given(
    st.sampled_from(["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 400 + ".0"]),
    st.sampled_from(["%s", "[%s]", '{"a":%s,"b":1}', '[{"a":[1,%s]}]']),
)
def test_a_whole_input_holds_only_numbers_that_json_can_express(number: str, around: str) -> None:
    with pytest.raises(ValueError, match=r"is not JSON|is out of range"):
        parse_json_text(around % number)


HALVES = ["\ud83d", "\ude00", "\\ud83d", "\\uDE00", "\\\\", "\\n", "a", "😀", "\ud83d\ude00"]
half_strings = st.lists(st.sampled_from(HALVES), max_size=8)


@effort(300)
@given(st.lists(st.tuples(half_strings, half_strings), min_size=1, max_size=4), st.data())
def test_halves_that_meet_are_joined_in_the_same_way_everywhere(members: Any, data: Any) -> None:
    """Raw or escaped, in keys and strings, cut anywhere: one rule for all."""
    pieces = ["{"]
    for at, (key, value) in enumerate(members):
        pieces += [',"' if at else '"', *key, '":["', *value, '"]']
    pieces.append("}")
    cuts = data.draw(st.lists(st.booleans(), min_size=len(pieces), max_size=len(pieces)))
    deltas = [""]
    for piece, is_cut in zip(pieces, cuts, strict=True):
        deltas = [*deltas, piece] if is_cut else [*deltas[:-1], deltas[-1] + piece]
    growing = PartialJSON()
    for delta in deltas:
        growing = growing.append(delta)
        _ = growing.value  # as a reader of each snapshot does
    joined = put_together("", "".join(deltas))
    expected: dict[str, Any] = {}
    for key, value in json.loads(joined).items():
        expected[put_together("", key)] = [put_together("", value[0])]
    assert growing.value == parse_json_text(str(growing.text))
    assert growing.value == PartialJSON().append(joined).value
    assert set(map(str, growing.value)) == set(expected)


@pytest.mark.parametrize("mode", MODES)
@effort(150)
@given(st.one_of(mutated(), soup))
def test_a_damaged_document_has_the_value_that_jiter_gives(mode: PartialMode, text: str) -> None:
    for end in range(len(text) + 1):
        got = parsed(text[:end], mode)
        if got is not NOTHING and not re.search(r"\\u[dD][89a-fA-F]", text):
            assert same(got, oracle(text[:end], mode)), text[:end]


@effort(300)
@given(st.one_of(mutated(), soup, st.text(max_size=20)))
@example('"\\ud83d"')
@example('["\\ud83d\\u0041", "\\ude00", "\\ud83d\\n", "\\ud83d\\ud83d\\ude00"]')
def test_a_text_that_json_accepts_and_its_prefixes_are_accepted(text: str) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        return
    for mode in MODES:
        assert same(parse_partial_json(text, mode), expected)
    for end in range(len(text)):
        try:
            parse_partial_json(text[:end])
        except ValueError as error:
            assert str(error) == "not JSON yet: the text ends before a value"  # noqa: PT017


# --- text that is not JSON ----------------------------------------------------------------------

any_text = st.one_of(mutated(), soup, st.text(max_size=20), st.text(st.characters(), max_size=20))


@pytest.mark.parametrize("mode", MODES)
@effort(300)
@given(any_text, st.data())
@example("[-" + "9" * 4300 + "]", None)
@example("[0." + "1" * 5000 + ", 2]", None)
def test_the_value_of_any_text_does_not_depend_on_the_pieces(
    mode: PartialMode, text: str, data: st.DataObject | None
) -> None:
    cuts = st.lists(st.integers(0, len(text)), max_size=6)
    ends = sorted(data.draw(cuts)) if data is not None else [len(text) - 2]
    ends.append(len(text))
    whole = PartialJSON(Text([text]), mode, INITIAL)
    value, last = PartialJSON(mode=mode, initial=INITIAL), 0
    for end in ends:
        value = value.append(text[last:end])
        assert same(value.value, PartialJSON(Text([text[:end]]), mode, INITIAL).value)
        last = end
    assert same(value.value, whole.value)
    assert value == whole
    assert same(parsed(text, mode), parsed_of(value))


def parsed_of(value: PartialJSON) -> Any:
    try:
        return parse_partial_json(value.text, value.mode)
    except ValueError:
        return NOTHING


@effort(200)
@given(any_text)
def test_text_that_is_not_json_stays_so_and_keeps_its_value(text: str) -> None:
    for end in range(len(text) + 1):
        try:
            parse_partial_json(text[:end])
        except ValueError as error:
            if str(error).startswith("not JSON: "):
                break
    else:
        return
    before = PartialJSON(Text([text[:end]])).value
    for more in (text[end:], "", '"', "]", "}", ', "a": 1}', "1"):
        with pytest.raises(ValueError, match=r"^not JSON: "):
            parse_partial_json(text[:end] + more)
        with pytest.raises(ValueError, match=r".+"):
            json.loads(text[:end] + more)
        assert same(PartialJSON(Text([text[:end], more])).value, before)


NOT_JSON = {
    "[1 2]": ("unexpected '2'", [1]),
    "[1}": ("unexpected '}'", [1]),
    '{"a": 1]': ("unexpected ']'", {"a": 1}),
    '{"a" 1}': ("unexpected '1'", {}),
    '{"a",': ("unexpected ','", {}),
    '{"a"}': ("unexpected '}'", {}),
    '{"a": 1:': ("unexpected ':'", {"a": 1}),
    "[1:": ("unexpected ':'", [1]),
    "{1: 2}": ("unexpected '1' where a key should be", {}),
    "{,": ("unexpected ',' where a key should be", {}),
    '{"a": 1, }': ("unexpected '}' where a key should be", {"a": 1}),
    "{]": ("unexpected ']' where a key should be", {}),
    "[1, ]": ("unexpected ']'", [1]),
    "[,": ("unexpected ','", []),
    "[}": ("unexpected '}'", []),
    "[:": ("unexpected ':'", []),
    "}": ("unexpected '}'", NOTHING),
    "é": ("unexpected 'é'", NOTHING),
    "\ufeff1": ("unexpected '\\ufeff'", NOTHING),
    "tx": ("unexpected 'tx'", NOTHING),
    "[tx, ": ("unexpected 'tx,'", []),
    "[nul]": ("unexpected 'nul]'", []),
    "[01]": ("unexpected '01]'", []),
    "01": ("unexpected '01'", NOTHING),
    "[1.]": ("unexpected '1.]'", []),
    "[1.e5": ("unexpected '1.e5'", []),
    "[.5]": ("unexpected '.5]'", []),
    "+1": ("unexpected '+1'", NOTHING),
    "[-]": ("unexpected '-]'", []),
    "--": ("unexpected '--'", NOTHING),
    "[1e]": ("unexpected '1e]'", []),
    "1e+-": ("unexpected '1e+-'", NOTHING),
    "[1, 0x10": ("unexpected '0x10'", [1]),
    "True": ("unexpected 'True'", NOTHING),
    "nan": ("unexpected 'nan'", NOTHING),
    "[-NaN]": ("unexpected '-NaN]'", []),
    "infinity": ("unexpected 'infinity'", NOTHING),
    "aaaaaaaaaaaaaaaaaaaaaaaaa": ("unexpected 'aaaaaaaaaaaaaaaaaaaa'", NOTHING),
    "[aaaaaaaaaaaaaaaaaaaaaaaaa]": ("unexpected 'aaaaaaaaaaaaaaaaaaaa'", []),
    '["ab\\x': ("a string has a character or an escape that JSON does not have", []),
    '["ab\n': ("a string has a character or an escape that JSON does not have", []),
    '["\x00"': ("a string has a character or an escape that JSON does not have", []),
    '["\\u12G4"': ("a string has a character or an escape that JSON does not have", []),
    '["\\ud83d\\x': ("a string has a character or an escape that JSON does not have", []),
    '{"a\x1f': ("a string has a character or an escape that JSON does not have", {}),
}


@pytest.mark.parametrize("text", NOT_JSON)
def test_text_that_is_not_json_raises_and_keeps_the_value_before_it(text: str) -> None:
    reason, value = NOT_JSON[text]
    with pytest.raises(ValueError, match=f"^{re.escape(f'not JSON: {reason}')}$"):
        parse_partial_json(text)
    initial = PartialJSON(initial=INITIAL)
    expected = INITIAL if value is NOTHING else value
    assert same(initial.append(text).value, expected)
    assert same(initial.append(text).append('"], 1').value, expected)
    in_two = initial.append(text[:-1])
    assert same(in_two.value, PartialJSON(Text([text[:-1]]), initial=INITIAL).value)
    assert same(in_two.append(text[-1]).value, expected)


def test_an_open_string_is_kept_up_to_what_is_not_json() -> None:
    for text in ('["ab\\x c', '["ab\n c"]', '["ab\\u00g'):
        assert PartialJSON(Text([text]), "trailing-strings").value == ["ab"]
        assert PartialJSON(Text([text]), "on").value == []


# --- stated examples ----------------------------------------------------------------------------

PREFIXES: list[tuple[str, Any, Any]] = [
    ("", NOTHING, NOTHING),
    (" \t\r\n", NOTHING, NOTHING),
    ("{", {}, {}),
    ('{"', {}, {}),
    ('{"a', {}, {}),
    ('{"a"', {}, {}),
    ('{"a":', {}, {}),
    ('{"a": "', {}, {"a": ""}),
    ('{"a": "b ', {}, {"a": "b "}),
    ('{"a": "b\\', {}, {"a": "b"}),
    ('{"a": "b\\n', {}, {"a": "b\n"}),
    ('{"a": "b\\u00e', {}, {"a": "b"}),
    ('{"a": "b\\ud83d', {}, {"a": "b"}),
    ('{"a": "b\\ud83d\\', {}, {"a": "b"}),
    ('{"a": "b\\ud83d\\ude0', {}, {"a": "b"}),
    ('{"a": "b\\ud83d\\ude00', {}, {"a": "b😀"}),
    ('{"a": "b"', {"a": "b"}, {"a": "b"}),
    ('{"a": "b", "c', {"a": "b"}, {"a": "b"}),
    ('{"a": [1, {"b": "c', {"a": [1, {}]}, {"a": [1, {"b": "c"}]}),
    ("[", [], []),
    ("[1", [1], [1]),
    ("[12,", [12], [12]),
    ("[12, ", [12], [12]),
    ("[1.", [], []),
    ("[1.5", [1.5], [1.5]),
    ("[1.5e", [], []),
    ("[1e+", [], []),
    ("[1e5", [1e5], [1e5]),
    ("[-", [], []),
    ("[-0", [0], [0]),
    ("[tru", [], []),
    ("[true", [True], [True]),
    ("[null", [None], [None]),
    ("[Na", [], []),
    ("[-Infinit", [], []),
    ("[-Infinity", [float("-inf")], [float("-inf")]),
    ('"', NOTHING, ""),
    ('"abc', NOTHING, "abc"),
    ('"abc"', "abc", "abc"),
    ("12", 12, 12),
    ("f", NOTHING, NOTHING),
    ("false", False, False),
    ('[["a"], "b', [["a"]], [["a"], "b"]),
]


@pytest.mark.parametrize(("text", "on", "trailing"), PREFIXES)
def test_example(text: str, on: Any, trailing: Any) -> None:
    for mode, expected in (("on", on), ("trailing-strings", trailing)):
        assert same(oracle(text, mode), expected)
        assert same(parsed(text, mode), expected)
        for pieces in ([text], list(text)):
            value = grown(pieces, mode)[-1].value
            assert same(value, INITIAL if expected is NOTHING else expected)


def test_the_defaults() -> None:
    assert PartialJSON() == PartialJSON(Text(), "on", {})
    assert type(PartialJSON().value) is JSONObject
    assert PartialJSON().value == {}
    assert parse_partial_json('["a') == []
    assert PartialJSON(initial=["a"]).append(" ").value == ["a"]
    assert type(PartialJSON(initial=["a"]).value) is JSONArray


def test_appending_keeps_mode_and_initial_value() -> None:
    value = PartialJSON(mode="trailing-strings", initial=None).append("").append(' ["a')
    assert (value.mode, value.initial, value.value) == ("trailing-strings", None, ["a"])
    assert PartialJSON(initial=None).append(" ").value is None


@pytest.mark.parametrize("mode", MODES)
@effort(100)
@given(json_documents(nan=True), any_text)
def test_text_after_a_document_is_ignored_by_the_value(
    mode: PartialMode, text: str, more: str
) -> None:
    if text[-1].isalnum():
        text += " "  # a number or a keyword ends when another character comes
    value = PartialJSON(Text([text]), mode)
    for later in (value.append(more), PartialJSON(Text([text + more]), mode), value.append("x]")):
        assert same(later.value, json.loads(text))
        assert same(parse_partial_json(later.text, mode), json.loads(text))


def test_halves_of_a_surrogate_pair_in_two_pieces_are_one_character() -> None:
    value = PartialJSON().append('{"\ud83d').append('\ude00": "\ud83d').append('\ude00"')
    assert value.value == {"😀": "😀"}
    assert PartialJSON(mode="trailing-strings").append('"\ud83d').append("\ude00").value == "😀"


# --- depth and size -----------------------------------------------------------------------------


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_nesting_has_a_limit(opening: str) -> None:
    per_opening = opening.count("[") + opening.count("{")
    deepest = opening * (MAX_DEPTH // per_opening)
    closing = opening[::-1].replace("[", "]").replace("{", "}")
    closing = re.sub(r'[:"a]', "", closing)
    whole = f"{deepest}1{closing * (MAX_DEPTH // per_opening)}"
    assert same(parse_partial_json(deepest), oracle(deepest, "on"))
    assert same(parse_partial_json(whole), json.loads(whole))
    assert same(parse_json_text(whole), json.loads(whole))
    for text in (deepest + "[", deepest + "{", deepest + "[1"):
        with pytest.raises(ValueError, match=r"^not JSON: nested deeper than 200 levels$"):
            parse_partial_json(text)
        assert depth(PartialJSON(Text([text])).value) <= MAX_DEPTH
    with pytest.raises(ValueError, match="nested deeper than 200 levels"):
        parse_json_text("[" + whole + "]")


def depth(value: Any) -> int:
    levels = 0
    while isinstance(value, (dict, list)):
        levels += 1
        value = next(iter(value.values() if isinstance(value, dict) else value), None)
    return levels


def test_depth_counts_what_is_open_only() -> None:
    assert len(parse_partial_json("[" + "[]," * 500)) == 500


def test_a_number_has_as_many_digits_as_python_takes() -> None:
    longest = "9" * 4300
    for pieces in (["[", longest], ["[" + longest], ["[" + longest[:10], longest[10:]]):
        assert grown(pieces, "on")[-1].value == [int(longest)]
        assert grown([*pieces, "]"], "on")[-1].value == [int(longest)]
        for more in ("9", "9]", "9, 1"):
            assert grown([*pieces, more], "on")[-1].value == []
            with pytest.raises(ValueError, match=r"^not JSON: unexpected '9{20}'$"):
                parse_partial_json(grown([*pieces, more], "on")[-1].text)


@pytest.mark.parametrize("levels", [201, 1_000, 100_000])
def test_a_whole_text_that_is_nested_too_deep_is_a_value_error(levels: int) -> None:
    with pytest.raises(ValueError, match=r"nested deeper than 200 levels$"):
        parse_json_text("[" * levels + "]" * levels)
    with pytest.raises(ValueError, match=r"nested deeper than 200 levels$"):
        parse_partial_json("[" * levels)


@pytest.mark.parametrize("text", ["", " ", "{", "[1,]", "1 2", '"', "\ufeff1", "9" * 4301, "nul"])
def test_a_whole_text_that_is_not_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_json_text(text)


def test_a_whole_text_is_frozen() -> None:
    value = parse_json_text('{"a": [{"b": 1}]}')
    assert (type(value), type(value.a), type(value.a[0])) == (JSONObject, JSONArray, JSONObject)


# --- values -------------------------------------------------------------------------------------


@effort(100)
@given(json_documents(nan=True), st.data())
def test_changing_a_copy_of_a_snapshot_changes_no_other(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    bounds = [0, *cuts, len(text)]
    pieces = [text[a:b] for a, b in pairwise(bounds)]
    values = grown(pieces, "trailing-strings")
    before = [json.dumps(value.value) for value in values]
    for value in values:
        for part in parts(value.value):
            attempt_to_change(part)
    assert [json.dumps(value.value) for value in values] == before
    again = [json.dumps(value.value) for value in grown(pieces, "trailing-strings")]
    assert again == before


def parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        assert type(value) is JSONObject
        yield value
        for item in value.values():
            yield from parts(item)
    elif isinstance(value, list):
        assert type(value) is JSONArray
        yield value
        for item in value:
            yield from parts(item)


def attempt_to_change(part: Any) -> None:
    with pytest.raises(TypeError, match="is immutable"):
        part.clear()
    if isinstance(part, list):
        with pytest.raises(TypeError, match="is immutable"):
            part.append(1)
        for position in range(len(part)):
            with pytest.raises(TypeError, match="is immutable"):
                part[position] = "changed"
    else:
        for key in [*part, "new"]:
            with pytest.raises(TypeError, match="is immutable"):
                part[key] = "changed"


def test_a_branch_has_its_own_value() -> None:
    trunk = PartialJSON(mode="trailing-strings").append('{"a": [1, "x')
    assert trunk.value == {"a": [1, "x"]}
    one, other = trunk.append('y", 2'), trunk.append('z"], "b": "')
    assert (one.value, other.value) == ({"a": [1, "xy", 2]}, {"a": [1, "xz"], "b": ""})
    assert one.append("3]").value == {"a": [1, "xy", 23]}
    assert trunk.value == {"a": [1, "x"]}
    assert one.value == {"a": [1, "xy", 2]}


def test_one_text_read_in_both_modes() -> None:
    text = Text(['{"a": "x'])
    assert PartialJSON(text, "trailing-strings").value == {"a": "x"}
    assert PartialJSON(text, "on").value == {}
    assert PartialJSON(text.append('", "b": "y'), "on").value == {"a": "x"}
    assert parse_partial_json(text, "trailing-strings") == {"a": "x"}


def test_it_compares_copies_and_pickles() -> None:
    value = PartialJSON(mode="trailing-strings").append('{"a": ').append('"x')
    assert value.value == {"a": "x"}  # the reading is a cache, and not part of the value
    assert value == PartialJSON(Text(['{"a": "x']), "trailing-strings")
    assert value != PartialJSON(Text(['{"a": "x']))
    assert value != value.append("y")
    assert hash(value) == hash(PartialJSON(Text(['{"a": "x']), "trailing-strings"))
    for same_value in (pickle.loads(pickle.dumps(value)), copy.deepcopy(value), copy.copy(value)):
        assert same_value == value
        assert same_value.append('"').value == {"a": "x"}
    assert '\'{"a": "x\'' in repr(value)
    with pytest.raises(AttributeError):
        value.mode = "on"  # type: ignore[misc]


def test_one_stream_leaves_no_trace_in_the_next() -> None:
    assert PartialJSON().append('{"a": "secret').value == {}
    assert PartialJSON().append('["secret", ').value == ["secret"]
    assert b"secret" not in pickle.dumps(PartialJSON())
    assert PartialJSON().value == {}


# --- what it costs ------------------------------------------------------------------------------


@effort(100)
@given(st.one_of(json_documents(nan=True), mutated()))
def test_the_completing_parser_only_ever_sees_one_short_token(text: str) -> None:
    seen: list[str] = []
    complete = partial_json.parse_json

    def spy(token: str, *options: Any) -> Any:
        seen.append(token)
        return complete(token, *options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(partial_json, "parse_json", spy)
        for value in grown(text, "trailing-strings"):
            del seen[:]
            value.value  # noqa: B018
            assert len(seen) <= 2  # the token that just ended, and the open one
            assert all(re.fullmatch(r"[-+.0-9A-Za-z]*", token) for token in seen)
            assert all(token in text for token in seen)
    longest = max(map(len, re.findall(r"[-+.0-9A-Za-z]+", text)), default=0)
    assert all(len(token) <= longest for token in seen)


def calls_of_reading(pieces: list[str]) -> int:
    """The number of calls needed to read the value after each piece."""
    count = 0

    def profile(frame: Any, kind: str, argument: Any) -> None:
        nonlocal count
        count += kind in ("call", "c_call")

    value = PartialJSON()
    sys.setprofile(profile)
    try:
        for piece in pieces:
            value = value.append(piece)
            value.value  # noqa: B018
    finally:
        sys.setprofile(None)
    return count


def test_another_thread_that_reads_a_newer_object_meanwhile_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    older = PartialJSON().append('{"a":1,')
    newer = older.append('"b":2,')
    slot: Any = Shared.__dict__["parsed"]
    read: list[Any] = []

    def parsed_after_another(shared: Shared) -> Any:
        if ("a", 1) in shared and not read:
            read.append(newer)
            read.append(newer.value)
        return slot.__get__(shared)

    monkeypatch.setattr(Shared, "parsed", property(parsed_after_another, slot.__set__))
    assert older.value == {"a": 1}
    assert read == [newer, {"a": 1, "b": 2}]
    assert newer.value == {"a": 1, "b": 2}


@pytest.mark.parametrize("piece", ["word ", "\\n", '\\"', "\\ud83d\\ude00", "😀"])
def test_reading_every_snapshot_of_a_long_string_takes_work_in_proportion(piece: str) -> None:
    calls_of_reading(['{"a": "', piece])
    short = calls_of_reading(['{"a": "', *[piece] * 500])
    assert calls_of_reading(['{"a": "', *[piece] * 1000]) < 2.1 * short


def test_no_text_is_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    scan = partial_json.scan_string
    monkeypatch.setattr(
        partial_json, "scan_string", lambda text, at: (read.append(text), scan(text, at))[1]
    )
    value = PartialJSON().append('["')
    for number in range(100):
        value = value.append(f"{number},")
        assert value.value == []
    assert sum(map(len, read)) < 2 * sum(map(len, value.text.items())) + 200
    older, value = value, value.append('"]')
    assert len(value.value[0]) == 290
    del read[:]
    assert len(value.value[0]) == 290
    assert read == []
    assert older.value == []  # an older text is read from the start, and the newest is still cached
    assert read != []
    del read[:]
    assert len(value.value[0]) == 290
    assert read == []


def test_kept_texts_are_read_in_turn_after_the_last_one(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    scan = partial_json.scan_string
    monkeypatch.setattr(
        partial_json, "scan_string", lambda text, at: (read.append(text), scan(text, at))[1]
    )
    values = [PartialJSON(mode="trailing-strings").append('["')]
    for number in range(100):
        values.append(values[-1].append(f"{number},"))
    last = values[-1].value
    del read[:]
    assert [value.value[0] for value in values] == [
        "".join(f"{number}," for number in range(count)) for count in range(101)
    ]
    assert sum(map(len, read)) < 2 * len(last[0])


@pytest.mark.parametrize("end", ["", "]", ", 2]"])
def test_a_number_longer_than_the_bound_is_no_value(end: str) -> None:
    assert PartialJSON().append(f"[1, {'9' * 4301}{end}").value == [1]
    with pytest.raises(ValueError, match="not JSON"):
        parse_partial_json(f"[1, {'9' * 4301}{end}")
