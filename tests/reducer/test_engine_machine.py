"""The engine as a machine: feed, branch, checkpoint, cut and read, in any order.

A state equals the state after feeding its bytes at once, and so do the events on the way, no matter
in which order the engine was used. A kept state never changes.
"""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, multiple, rule
from streamfold.adapters.strategies import broken, wire
from streamfold.reducer import (
    IncompleteStreamError,
    ProtocolError,
    Snapshot,
    StreamState,
    drain,
    feed,
    finish,
)

from tests.support.effort import effort
from tests.support.model import START, described
from tests.support.strategies import damaged, faulty_streams, streams


@attrs.frozen
class Place:
    """A state that a stream has reached, and the way to it.

    Attributes:
        first: the state at the beginning.
        fed: the bytes since the beginning.
        events: the events of these bytes, without those that were drained.
        drained: whether events were drained.
        state: the state after these bytes.
        rest: the bytes to come on this branch.
        picture: `state` as JSON text, written when it was reached.
    """

    first: StreamState
    fed: bytes
    events: tuple[Any, ...]
    drained: bool
    state: StreamState
    rest: bytes
    picture: str

    def at(self, state: StreamState, chunk: bytes, events: tuple[Any, ...] | None) -> Place:
        """The place after `chunk`, drained if `events` is `None`."""
        return attrs.evolve(
            self,
            state=state,
            fed=self.fed + chunk,
            events=self.events + (events or ()),
            drained=self.drained or events is None,
            rest=self.rest[len(chunk) :],
            picture=picture(state),
        )


def picture(state: StreamState) -> str:
    """The state as JSON text, which cannot change later."""
    return json.dumps(state.to_dict())


def through_json(state: StreamState) -> StreamState:
    return StreamState.from_dict(json.loads(picture(state)))


def through_pickle(state: StreamState) -> StreamState:
    copied: StreamState = pickle.loads(pickle.dumps(state))
    return copied


bodies = st.one_of(
    streams().flatmap(wire),
    broken(unknown=True).flatmap(wire),
    faulty_streams().flatmap(wire).flatmap(damaged),
)
sizes = st.integers(0, 400) | st.just(1_000_000)


class Engine(RuleBasedStateMachine):
    """All operations on the states of some streams."""

    places = Bundle("places")

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Place] = []

    def keep(self, place: Place) -> Place:
        self.kept.append(place)
        return place

    @initialize(target=places, body=bodies, mode=st.sampled_from(["on", "trailing-strings"]))
    def begin(self, body: bytes, mode: Any) -> Place:
        first = StreamState(snapshot=Snapshot(partial_mode=mode))
        return self.keep(Place(first, b"", (), False, first, body, picture(first)))

    @rule(target=places, place=places, body=bodies, data=st.data())
    def branch(self, place: Place, body: bytes, data: st.DataObject) -> Place:
        """Go on with the end of another stream."""
        start = data.draw(st.integers(0, len(body)))
        return self.keep(attrs.evolve(place, rest=body[start:]))

    @rule(target=places, place=places, size=sizes)
    def feed(self, place: Place, size: int) -> Any:
        chunk = place.rest[:size]
        try:
            state, events = feed(place.state, chunk)
        except ProtocolError as error:
            self.check_fault(place, chunk, error, place.events + error.events)
            return multiple()
        return self.keep(place.at(state, chunk, events))

    @rule(target=places, place=places, size=sizes)
    def drain(self, place: Place, size: int) -> Any:
        chunk = place.rest[:size]
        try:
            state = drain(place.state, chunk)
        except ProtocolError as error:
            self.check_fault(place, chunk, error, None)
            return multiple()
        return self.keep(place.at(state, chunk, None))

    @rule(
        target=places,
        place=places,
        way=st.sampled_from([through_json, through_pickle, copy.deepcopy]),
    )
    def checkpoint(self, place: Place, way: Callable[[StreamState], StreamState]) -> Place:
        """Stop here, and go on from a copy."""
        state = way(place.state)
        assert state == place.state
        assert hash(state) == hash(place.state)
        return self.keep(attrs.evolve(place, state=state))

    @rule(place=places)
    def cut(self, place: Place) -> None:
        """End the input here: a message, or an error with the part received."""
        snapshot = place.state.snapshot
        if snapshot.is_complete and snapshot.error is None and snapshot.message is not None:
            assert finish(place.state) == snapshot.message
            return
        with pytest.raises(IncompleteStreamError) as caught:
            finish(place.state)
        assert caught.value.snapshot is snapshot

    @rule(place=places)
    def read(self, place: Place) -> None:
        """Read the values that are put together by reading."""
        message = place.state.snapshot.message
        repr(place.state.snapshot)
        if message is not None:
            assert json.loads(message.to_json()) == message.to_dict()
            assert list(message.content) == list(place.state.snapshot.message.content)

    def check_fault(
        self, place: Place, chunk: bytes, error: ProtocolError, events: tuple[Any, ...] | None
    ) -> None:
        """The fault is the one that comes when all bytes are fed at once."""
        with pytest.raises(ProtocolError) as caught:
            feed(place.first, place.fed + chunk)
        at_once = caught.value
        assert described(error) == described(at_once)
        assert error.snapshot == at_once.snapshot
        assert events is None or place.drained or events == at_once.events

    def teardown(self) -> None:
        for place in self.kept:
            state, events = feed(place.first, place.fed)
            assert place.state == state
            assert place.drained or place.events == events
            assert picture(place.state) == place.picture == picture(state)
        assert StreamState() == START


TestEngine = Engine.TestCase
TestEngine.settings = effort(60, stateful_step_count=20)
