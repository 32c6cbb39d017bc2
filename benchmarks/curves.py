"""The cost of an event and the memory of all events, against the length of the stream."""

from __future__ import annotations

from collections.abc import Iterator

from . import isolated, network, peers, streams
from .measure import Patience, Point, compare
from .server import paced_server
from .workloads import OURS, SDK, Scale, beside_the_sdk

__all__ = ["cost", "memory", "network_cost"]

LENGTHS = (1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000)


def cost(scale: Scale) -> Iterator[Point]:
    """Microseconds of CPU time per event, all events read.

    The minimum of several rounds, because a curve has no ratio that would cancel a slow machine.
    """
    patience = Patience(rounds=(3, 9), error=0.03, seconds=10.0)
    for kind, make in (("text", streams.text), ("tool input", streams.tool)):
        for deltas in map(scale, LENGTHS):
            stream = make(deltas)
            comparison = beside_the_sdk(scale, f"{kind} {deltas}", stream, peers.all_events)
            if kind == "tool input" and deltas > scale(16_000):
                yield Point(
                    f"{OURS}, {kind}", deltas, min(comparison.ours.cost() for _ in range(3))
                )
            else:
                measured = compare(comparison, patience)
                yield Point(f"{OURS}, {kind}", deltas, min(ours for ours, _ in measured.rounds))
                yield Point(f"{SDK}, {kind}", deltas, min(peer for _, peer in measured.rounds))


def network_cost(scale: Scale) -> Iterator[Point]:
    """The same over sockets, one event per packet, for four streams at once.

    The lengths end at 8,000 deltas, which take 16 seconds.
    """
    pause = scale.pause / 10
    with paced_server(pause) as server:
        for name in (OURS, f"{OURS} on aiohttp", SDK):
            for deltas in map(scale, LENGTHS[:4]):
                events = len(streams.text(deltas))
                reader = network.READERS[name]
                value = min(network.cost(reader, f"{server}/{deltas}", 4, events) for _ in "12")
                yield Point(f"{name}, text over sockets", deltas, value)


def memory(scale: Scale) -> Iterator[Point]:
    """Megabytes of all events of a text."""
    for deltas in map(scale, LENGTHS):
        yield Point(OURS, deltas, isolated.kept_events(OURS, deltas))
        if deltas <= scale(16_000):  # quadratic: 64k deltas would take 19 GB
            yield Point(SDK, deltas, isolated.kept_events(SDK, deltas))
