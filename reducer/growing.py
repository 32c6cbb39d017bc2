"""Values that grow by appending.

A stream is thousands of small additions, and every state in between may be kept. Copying the whole
at each addition costs the square of the stream; so a growing value is only a *count* into a list
that it shares with its predecessors and successors:

    g0 = Growing()          items -> []              g0 sees 0 of them
    g1 = g0.append("a")     items -> ["a"]           g1 sees 1
    g2 = g1.append("b")     items -> ["a", "b"]      g2 sees 2; g1 still sees 1

Two rules make this a value, not a variable:

- A shared list is only ever appended to. What lies below a value's count never changes, so
  whatever was read from a value once is what it says forever.
- Only a value that sees the whole list may append in place. Any other (an older snapshot that is
  folded on from: a branch) first copies what it sees; and so does an empty one, which has nothing
  to share and is often a constant. Should two threads append at once, the one whose item did not
  land at its own place does the same; nothing is ever overwritten.

Appending is O(1). Reading is O(n) the first time; `Text` remembers the longest string put together
so far *on the shared list*, so reading each of the snapshots of a stream in turn adds only what is
new to it, and one string is kept for all of them, not one each. The memory is one list for
all values of a line of descent: a kept old value keeps its successors' items alive.

Pickling keeps the sharing: a pickled list of all the events of a stream holds their items once.
"""

from __future__ import annotations

import re
from typing import Any, Generic, TypeVar

from .drafts import draft_of

__all__ = ["Growing", "Text"]

T = TypeVar("T")

HALVES = re.compile("[\ud800-\udfff]")


class Shared(list[Any]):
    """The list behind growing values, with what was already worked out from its items.

    The attributes are caches: (how many items they cover, the result). They are replaced whole, so
    a reader sees an old one or a new one, never half of one; they take no part in equality and are
    not pickled.

    Attributes:
        joined: the longest text that was read.
        joined_last: the last shorter text that was read; it makes reading each of the texts of a
            chunk in turn cheap when the text after the chunk was read first.
        parsed: the longest text that was read as JSON.
    """

    __slots__ = ("joined", "joined_last", "parsed")

    def __init__(self, items: Any = ()) -> None:
        super().__init__(items)
        self.joined: tuple[int, str] = (0, "")
        self.joined_last: tuple[int, str] = (0, "")
        self.parsed: tuple[int, Any] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Shared, (list(self),)


class Growing(Generic[T]):
    """An immutable sequence that can be appended to in constant time.

    >>> one = Growing(["a"])
    >>> two = one.append("b")
    >>> one.items(), two.items()
    (('a',), ('a', 'b'))
    """

    __slots__ = ("_count", "_shared")
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
        """The value with `item` after what this one holds. This one stays as it is. O(1)."""
        shared = self._shared
        count = self._count
        if len(shared) == count and count:
            shared.append(item)
            if shared[count] is item:
                return view(type(self), shared, count + 1)
        shared = Shared(shared[:count])
        shared.append(item)
        return view(type(self), shared, count + 1)

    def items(self) -> tuple[T, ...]:
        """All items, oldest first."""
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
        """What the items make together: what counts for equality."""
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
    """The growing value that sees the first `count` items of `shared`."""
    draft = _GrowingDraft()
    draft._shared = shared
    draft._count = count
    draft.__class__ = cls
    made: G = draft
    return made


class Text(Growing[str]):
    """A string that grows by appending: `str(text)` is the whole.

    Two halves of a surrogate pair that came in two pieces are one character, as they are in any
    language that counts in UTF-16.

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
        whole = _join(joined, shared[start:count])
        if count > shared.joined[0]:
            shared.joined = (count, whole)
        else:
            shared.joined_last = (count, whole)
        return whole

    whole = __str__

    def extend(self, pieces: list[str]) -> Text:
        """The text with all of `pieces` after it: `append`, for many at once."""
        shared, count = self._shared, self._count
        end = count + len(pieces)
        in_place = len(shared) == count and count
        if in_place:
            shared.extend(pieces)
        if not in_place or shared[count:end] != pieces:
            shared = Shared([*shared[:count], *pieces])
        return view(Text, shared, end)

    def since(self, earlier: Text) -> list[Text]:
        """Each text on the way from `earlier`, of which this one was made, to this one."""
        shared, start, end = self._shared, earlier._count + 1, self._count
        if start == end:  # one event a chunk: 0.3 µs less
            return [self]
        return [*[view(Text, shared, count) for count in range(start, end)], self]

    def tail(self, length: int) -> str:
        """The last `length` characters, or all if there are fewer. Costs what it returns."""
        pieces: list[str] = []
        wanted = 2 * length + 1  # pairs may have come in halves
        for position in range(self._count - 1, -1, -1):
            if wanted <= 0:
                break
            pieces.append(self._shared[position])
            wanted -= len(pieces[-1])
        whole = _join("", pieces[::-1])
        return whole[len(whole) - min(length, len(whole)) :]

    def __repr__(self) -> str:
        return f"Text([{str(self)!r}])"


def _join(text: str, pieces: list[str]) -> str:
    """`text` and what follows it, with the halves of surrogate pairs joined."""
    new = "".join(pieces)
    if new.isascii() or not HALVES.search(new):
        return text + new
    utf_16 = (text + new).encode("utf-16-le", "surrogatepass")
    return utf_16.decode("utf-16-le", "surrogatepass")


class Bytes(Growing[bytes]):
    """Bytes that grow by appending: `bytes(value)` is the whole."""

    __slots__ = ()

    def __bytes__(self) -> bytes:
        return b"".join(self.items())

    whole = __bytes__
