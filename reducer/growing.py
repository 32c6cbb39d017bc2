"""Immutable values that grow by appending, for texts, tool inputs, citations and closed blocks.

A stream makes thousands of small additions, and a caller may keep the state after each one. Copying
the whole at every addition would cost the square of the stream. So a growing value is only a count
of items in a list, and it shares that list with the values it grew from and the values grown from
it:

    g0 = Growing()          list: []              g0 sees 0 items
    g1 = g0.append("a")     list: ["a"]           g1 sees 1
    g2 = g1.append("b")     list: ["a", "b"]      g2 sees 2; g1 still sees 1

Rules that keep such a value immutable:

- Code may only append to a shared list. The items below the count of a value never change.
- Only a value that sees the whole list may append to it. Any other value, such as an older snapshot
  that is folded on from, first copies the items it sees. An empty value copies too, because empty
  values are constants that many streams start from.
- Two threads may append at the same time. After an append, the code checks that the item stands
  where it belongs, and copies the list if it does not. Nothing is overwritten.

Costs: appending is O(1). Reading is O(n) at first; the shared list caches the texts read last, so
reading the snapshots of a stream in turn only adds the new pieces. All values that grew from each
other use the memory of one list, so a kept old value keeps the newer items alive.

Pickle keeps the sharing: a pickled list of all events of a stream holds each item once.
"""

from __future__ import annotations

import re
from typing import Any, Generic, TypeVar

from .drafts import draft_of
from .sealed import sealed

__all__ = ["Growing", "Text"]

T = TypeVar("T")

SURROGATES = re.compile("[\ud800-\udfff]")
"""Halves of a surrogate pair; UTF-8 cannot encode them."""


class Shared(list[Any]):
    """The list behind growing values, with caches of results computed from its items.

    Each cache is a pair of the number of items it covers and the result. A cache is replaced as a
    whole, so a reader sees the old pair or the new one, never a mix. Caches are ignored by equality
    and by pickle.

    Attributes:
        joined: the longest text that was read.
        joined_last: the last text that was read and was shorter than `joined`. It makes reading the
            texts of a chunk in turn cheap when the text after the chunk was read before them.
        parsed: the longest text that was read as JSON, and its reading.
        parsed_last: the last one that was shorter than `parsed`, and its reading. It makes reading
            kept snapshots in turn cheap when a later one was read before them.
    """

    __slots__ = ("joined", "joined_last", "parsed", "parsed_last")

    def __init__(self, items: Any = ()) -> None:
        # half the time of `super().__init__`
        list.__init__(self, items)  # pyright: ignore[reportUnknownMemberType]
        self.joined: tuple[int, str] = (0, "")
        self.joined_last: tuple[int, str] = (0, "")
        self.parsed: tuple[int, Any] | None = None
        self.parsed_last: tuple[int, Any] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Shared, (list(self),)


@sealed
class Growing(Generic[T]):
    """An immutable sequence with an `append` that takes constant time.

    Args:
        items: the items to begin with.

    >>> one = Growing(["a"])
    >>> two = one.append("b")
    >>> one.items(), two.items()
    (('a',), ('a', 'b'))
    """

    __slots__ = ("_shared", "_count")  # noqa: RUF023 (see the rule in `sealed`)
    _shared: Shared
    _count: int

    def __init__(self, items: Any = ()) -> None:
        shared = Shared(items)
        object.__setattr__(self, "_shared", shared)
        object.__setattr__(self, "_count", len(shared))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def append(self: G, item: T) -> G:
        """Return a value with `item` added at the end, in constant time. This one is unchanged."""
        shared = self._shared
        count = self._count
        if len(shared) == count and count:
            shared.append(item)
            if shared[count] is not item:
                shared = Shared([*shared[:count], item])
        else:
            shared = Shared([*shared[:count], item])
        draft = _GrowingDraft()  # `view`, without a call
        draft._shared = shared
        draft._count = count + 1
        draft.__class__ = self.__class__
        growing: Any = draft
        return growing  # type: ignore[no-any-return]

    def earlier(self: G, items: int) -> G:
        """Return the value before its last `items` items were added."""
        return view(type(self), self._shared, self._count - items)

    def items(self) -> tuple[T, ...]:
        """Return all items, the oldest first."""
        return tuple(self._shared[: self._count])

    def __len__(self) -> int:
        return self._count

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Growing) or type(self) is not type(other):  # pyright: ignore[reportUnknownArgumentType]
            return NotImplemented
        if self._shared is other._shared and self._count == other._count:
            return True
        return bool(self.whole() == other.whole())

    def __hash__(self) -> int:
        return hash(self.whole())

    def whole(self) -> Any:
        """Return all items as one value; equality compares these."""
        return self.items()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self.items())!r})"

    def __copy__(self: G) -> G:
        return self

    def __deepcopy__(self: G, memo: object) -> G:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return view, (type(self), self._shared, self._count)


G = TypeVar("G", bound=Growing[Any])

_GrowingDraft = draft_of(Growing)


def view(cls: type[G], shared: Shared, count: int) -> G:
    """Return the growing value of class `cls` that sees the first `count` items of `shared`."""
    draft = _GrowingDraft()
    draft._shared = shared
    draft._count = count
    draft.__class__ = cls
    growing: G = draft
    return growing


class Text(Growing[str]):
    """A string that grows by appending; `str(text)` is the whole.

    When two pieces meet at the middle of a surrogate pair, the whole has the one character that the
    pair encodes, as in languages that count in UTF-16.

    >>> str(Text(["Hel"]).append("lo"))
    'Hello'
    >>> str(Text(["\\ud83d"]).append("\\ude00")) == "\\U0001f600"
    True
    """

    __slots__ = ()

    def __str__(self) -> str:
        shared = self._shared
        count = self._count
        start, joined = shared.joined
        if start > count:
            start, joined = shared.joined_last
            if start > count:
                start, joined = 0, ""
        if start == count:
            return joined
        whole = joined_pieces(joined, shared[start:count])
        if count > shared.joined[0]:
            shared.joined = (count, whole)
        else:
            shared.joined_last = (count, whole)
        return whole

    whole = __str__

    def extend(self, pieces: list[str]) -> Text:
        """Return the text with all of `pieces` added at the end: `append` for many at once."""
        shared, count = self._shared, self._count
        end = count + len(pieces)
        in_place = len(shared) == count and count
        if in_place:
            shared.extend(pieces)
        if not in_place or shared[count:end] != pieces:
            shared = Shared([*shared[:count], *pieces])
        return view(Text, shared, end)

    def tail(self, length: int) -> str:
        """Return the last `length` characters, or all if there are fewer.

        Costs as much as the pieces that hold them, not as the whole text.
        """
        pieces: list[str] = []
        missing = 2 * length + 1  # a character may have come as two halves of a pair
        for position in range(self._count - 1, -1, -1):
            if missing <= 0:
                break
            pieces.append(self._shared[position])
            missing -= len(pieces[-1])
        whole = joined_pieces("", pieces[::-1])
        return whole[len(whole) - min(length, len(whole)) :]

    def __repr__(self) -> str:
        return f"Text([{str(self)!r}])"


def joined_pieces(text: str, pieces: list[str]) -> str:
    """Join `text` and the pieces after it, with the halves of surrogate pairs united."""
    new = "".join(pieces)
    if new.isascii():
        return text + new
    try:
        new.encode("utf-16-le")  # a tenth of the time of a search with `SURROGATES`
    except UnicodeEncodeError:
        pass
    else:
        return text + new
    if text and "\ud800" <= text[-1] <= "\udbff":  # its other half may come first in `new`
        text, new = text[:-1], text[-1] + new
    return text + joined_halves(new)


def joined_halves(text: str) -> str:
    """Return `text` with the one character for each two halves of a surrogate pair that meet."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


class Bytes(Growing[bytes]):
    """Bytes that grow by appending; `bytes(value)` is the whole."""

    __slots__ = ()

    def __bytes__(self) -> bytes:
        return b"".join(self.items())

    whole = __bytes__
