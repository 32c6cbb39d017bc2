"""Values that grow by appending, against plain tuples and strings."""

from __future__ import annotations

import copy
import pickle
import re
import sys
import threading
import tracemalloc
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from streamfold.reducer import Growing, Text
from streamfold.reducer.growing import Shared

from tests.support.effort import effort

HALVES = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def joined(pieces: list[str]) -> str:
    """The pieces as one string, joined as UTF-16."""

    def character(pair: re.Match[str]) -> str:
        high, low = map(ord, pair.group())
        return chr(0x10000 + (high - 0xD800) * 0x400 + (low - 0xDC00))

    return HALVES.sub(character, "".join(pieces))


characters = st.sampled_from(
    ["a", "b", "\n", "é", "€", "😀", "\ud83d", "\ude00", "\ud800", "\udfff"]
)
pieces = st.one_of(st.text(characters, max_size=4), st.text(max_size=3))
histories = st.lists(st.tuples(st.integers(0, 30), pieces), max_size=20)
"""Pairs: the number of the value to append to, and the item."""


@pytest.mark.parametrize("kind", [Growing, Text])
@effort(150)
@given(histories)
def test_values_grow_and_branch_and_never_change(
    kind: type[Growing[str]], history: list[tuple[int, str]]
) -> None:
    values, models = [kind()], [()]
    for choice, piece in history:
        position = choice % len(values)
        values.append(values[position].append(piece))
        models.append((*models[position], piece))
    for value, model in zip(values, models, strict=True):
        assert type(value) is kind
        assert value.items() == model
        assert len(value) == len(model)
        fresh = kind(model)
        assert value == fresh
        assert hash(value) == hash(fresh)
        assert repr(value) == repr(fresh)
    for value, model in zip(values, models, strict=True):
        for other, other_model in zip(values, models, strict=True):
            if kind is Text:
                equal = joined(list(model)) == joined(list(other_model))
            else:
                equal = model == other_model
            assert (value == other) is equal
            assert (value != other) is not equal
            assert hash(value) == hash(other) or not equal


@effort(300)
@given(st.lists(pieces, max_size=10), st.data())
@example(["\ud83d", "\ude00"], None)
def test_text_is_its_pieces_joined_in_whatever_order_it_is_read(
    texts: list[str], data: st.DataObject | None
) -> None:
    prefixes = [Text()]
    for piece in texts:
        prefixes.append(prefixes[-1].append(piece))
        if data is not None and data.draw(st.booleans(), label="read on the way"):
            assert str(prefixes[-1]) == joined(texts[: len(prefixes) - 1])
    order = list(range(len(prefixes)))
    for position in data.draw(st.permutations(order), label="order") if data is not None else order:
        assert str(prefixes[position]) == joined(texts[:position])


@effort(200)
@given(st.text(), st.data())
def test_text_cut_between_any_two_utf_16_units_is_whole_again(
    whole: str, data: st.DataObject
) -> None:
    encoded = whole.encode("utf-16-le", "surrogatepass")
    units = [
        encoded[at : at + 2].decode("utf-16-le", "surrogatepass")
        for at in range(0, len(encoded), 2)
    ]
    assert str(Text(units)) == whole
    cuts = sorted(data.draw(st.lists(st.integers(0, len(units)), max_size=5)))
    text, last = Text(), 0
    for cut in [*cuts, len(units)]:
        text = text.append("".join(units[last:cut]))
        assert len(str(text)) >= cut / 2  # read half-way, between the halves of a pair
        last = cut
    assert str(text) == whole
    assert text == Text([whole])
    assert hash(text) == hash(Text([whole]))


def test_lone_halves_stay_what_they_are() -> None:
    assert str(Text(["\ude00", "\ud83d"])) == "\ude00\ud83d"
    assert str(Text(["\ud83d"])) == "\ud83d"
    assert str(Text(["\ud83d", "x", "\ude00"])) == "\ud83dx\ude00"


@effort(300)
@given(st.lists(pieces, max_size=8), st.integers(-1, 12))
@example(["\ud83d", "\ude00"], 1)
@example(["a", "a\ud800", "\ude00aaa", "000", "000"], 12)
def test_the_tail_is_the_last_characters(texts: list[str], length: int) -> None:
    whole = joined(texts)
    assert Text(texts).tail(length) == whole[max(0, len(whole) - max(0, length)) :]


def test_the_tail_of_an_older_text_is_its_own() -> None:
    older = Text(["one"])
    older.append("two")
    assert older.tail(9) == "one"


def test_the_tail_costs_what_it_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []

    def counting(shared: Shared, index: Any) -> Any:
        looked_at.append(index)
        return list.__getitem__(shared, index)

    text = Text(["ab"] * 1000)
    monkeypatch.setattr(Shared, "__getitem__", counting, raising=False)
    assert text.tail(10) == "ab" * 5
    assert len(looked_at) <= 11
    assert all(isinstance(index, int) for index in looked_at)


def test_the_length_is_the_number_of_pieces() -> None:
    assert len(Growing()) == len(Text()) == 0
    assert len(Text(["ab"])) == 1
    assert len(Growing(["a", "b"]).append("c")) == 3
    assert Growing(iter("ab")).items() == ("a", "b")


def test_the_repr() -> None:
    assert repr(Growing([1, 2]).append(3)) == "Growing([1, 2, 3])"
    assert repr(Growing()) == "Growing([])"
    assert repr(Text(["a", "b"])) == "Text(['ab'])"
    assert repr(Text()) == "Text([''])"


def test_equality_is_by_content_and_by_kind() -> None:
    assert Growing([1]) == Growing([1])
    assert Growing([1]) != Growing([2])
    assert Growing([1]) != [1]
    assert Growing([1]) != (1,)
    assert Text(["a", "b"]) == Text(["ab"])
    assert Text(["a"]) != "a"
    assert Text(["a"]) != Growing(
        ["a"]
    )  # if they were equal, their hashes would have to be equal too
    assert Growing(["a"]) != Text(["a"])
    assert Growing(["a", "b"]) != Growing(["ab"])
    one = Growing([1])
    assert one != one.append(2)
    assert len({Text(["a", "b"]), Text(["ab"]), Text(["a"])}) == 2
    with pytest.raises(TypeError, match="unhashable"):
        hash(Growing([[]]))


@pytest.mark.parametrize("value", [Growing([1]), Text(["a"])])
def test_nothing_can_be_set_or_deleted(value: Any) -> None:
    before = value.items()
    for name in ("_shared", "_count", "other"):
        with pytest.raises(AttributeError, match=f"^{type(value).__name__} is immutable$"):
            setattr(value, name, 5)
        with pytest.raises(AttributeError, match=f"^{type(value).__name__} is immutable$"):
            delattr(value, name)
    assert value.items() == before
    with pytest.raises(AttributeError):
        value.__dict__  # noqa: B018


def test_items_are_a_copy_that_the_source_does_not_reach() -> None:
    source = ["a"]
    value = Growing(source)
    source.append("b")
    assert value.items() == ("a",)


@pytest.mark.parametrize("kind", [Growing, Text])
def test_a_copy_is_the_value_itself(kind: type[Growing[str]]) -> None:
    value = kind(["a"]).append("b")
    assert copy.copy(value) is value
    assert copy.deepcopy(value) is value
    assert copy.deepcopy([value]) == [value]


def prefixes_of(kind: type[Growing[str]], count: int) -> list[Growing[str]]:
    values = [kind()]
    for number in range(count):
        values.append(values[-1].append(f"{number:04d}"))
    return values


@pytest.mark.parametrize("kind", [Growing, Text])
def test_pickled_prefixes_share_their_items(kind: type[Growing[str]]) -> None:
    values = prefixes_of(kind, 1000)
    str(values[-1])  # caches are not pickled
    pickled = pickle.dumps(values)
    assert len(pickled) < 25 * len(values)
    assert b"0000000100020003" not in pickled
    again = pickle.loads(pickled)
    assert again == values
    assert [type(value) for value in again[:3]] == [kind] * 3
    assert len(pickle.dumps(prefixes_of(kind, 2000))) < 2.1 * len(pickled)
    # the loaded values grow like any other
    branch = again[1].append("x")
    assert branch.items() == ("0000", "x")
    assert again[-1].append("y").items() == (*values[-1].items(), "y")
    assert again == values


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "value", [Growing(), Growing(["a", None]), Text(), Text(["a", "\ud83d", "\ude00"])]
)
def test_values_pickle_by_every_protocol(value: Growing[Any], protocol: int) -> None:
    again = pickle.loads(pickle.dumps(value, protocol))
    assert (type(again), again.items()) == (type(value), value.items())


def test_the_empty_value_is_no_place_to_leave_things() -> None:
    """`Growing()` is often a constant, so it must not hold the items appended to it."""
    for empty in (Growing(), Text(), Text([])):
        one = empty.append("secret")
        other = empty.append("another")
        assert b"secret" not in pickle.dumps(empty)
        assert (one.items(), other.items(), empty.items()) == (("secret",), ("another",), ())


def list_behind(value: Growing[Any]) -> list[Any]:
    """The list that a value shares with others, as pickle gets it."""
    _, (_, shared, _) = value.__reduce__()
    return shared  # type: ignore[no-any-return]


def test_an_old_value_that_is_appended_to_copies_what_it_sees_once() -> None:
    values = prefixes_of(Growing, 100)
    branch = values[50].append("x")
    assert branch.items() == (*values[50].items(), "x")
    again = branch.append("y")
    assert again.items() == (*values[50].items(), "x", "y")
    assert values[100].items() == tuple(f"{number:04d}" for number in range(100))
    assert list_behind(branch) is list_behind(again)
    assert list_behind(branch) is not list_behind(values[50])


def test_kept_values_and_their_strings_take_memory_in_proportion() -> None:
    tracemalloc.start()
    try:
        texts = [Text()]
        for _ in range(5_000):
            texts.append(texts[-1].append("twenty characters..."))
            assert len(str(texts[-1])) == 20 * (len(texts) - 1)
        used = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert used < 300 * len(texts)  # one string for each text would take 50 KB a text


def test_reading_each_text_in_turn_looks_at_each_piece_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at = 0

    def counting(shared: Shared, index: Any) -> Any:
        nonlocal looked_at
        got = list.__getitem__(shared, index)
        looked_at += len(got) if isinstance(index, slice) else 0
        return got

    monkeypatch.setattr(Shared, "__getitem__", counting, raising=False)
    texts = [Text(["0"])]
    for number in range(1, 500):
        texts.append(texts[-1].append(str(number)))
        str(texts[-1])
        str(texts[-1])
    assert looked_at == 500
    assert str(texts[200]) == "".join(
        map(str, range(201))
    )  # an older text is joined from the start
    assert looked_at == 500 + 201
    assert str(texts[-1]) == "".join(map(str, range(500)))  # the longest text is still cached
    assert looked_at == 500 + 201


def test_two_that_append_at_once_do_not_see_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second thread appends between the check of the length and the append."""
    base = Growing(["a"])
    append = list.append

    def late(shared: list[Any], item: Any) -> None:
        monkeypatch.undo()
        append(shared, "theirs")
        append(shared, item)

    monkeypatch.setattr(Shared, "append", late, raising=False)
    ours = base.append("ours")
    assert ours.items() == ("a", "ours")
    assert ours.append("more").items() == ("a", "ours", "more")
    assert base.items() == ("a",)
    assert base.append("again").items() == ("a", "again")


@pytest.mark.parametrize("kind", [Growing, Text])
def test_threads_that_append_to_the_same_values_never_corrupt_them(
    kind: type[Growing[str]],
) -> None:
    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(60):
            base = kind(["base"])
            barrier = threading.Barrier(3)
            grown: dict[str, list[Growing[str]]] = {"x": [], "y": [], "z": []}

            def grow(
                name: str, base: Any = base, barrier: Any = barrier, grown: Any = grown
            ) -> None:
                barrier.wait()
                value = base
                for number in range(40):
                    value = value.append(f"{name}{number} ")
                    grown[name].append(value)
                    str(value)

            threads = [threading.Thread(target=grow, args=(name,)) for name in grown]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            for name, values in grown.items():
                expected = tuple(f"{name}{number} " for number in range(40))
                for count, value in enumerate(values, start=1):
                    assert value.items() == ("base", *expected[:count])
                    if kind is Text:
                        assert str(value) == "base" + "".join(expected[:count])
            assert base.items() == ("base",)
    finally:
        sys.setswitchinterval(switching)
