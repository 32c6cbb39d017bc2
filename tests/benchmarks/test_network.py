"""The streams over sockets are the same for each library, and are measured."""

from __future__ import annotations

from benchmarks import network
from benchmarks.server import paced_server

PAUSE = 0.001


def test_both_sides_of_a_row_read_the_same_message() -> None:
    names = []
    for comparison in network.comparisons(many=2, deltas=2, pause=PAUSE):
        assert comparison.section == "On a network"
        names.append(comparison.name)
        if names[-1].endswith(
            ("httpx2 against anthropic", "aiohttp against anthropic", "urllib3 against anthropic")
        ):
            comparison.check()
    assert len(set(names)) == len(names)


def test_a_library_alone_reads_to_the_end() -> None:
    with paced_server(PAUSE) as server:
        for name in ("httpx alone", "aiohttp alone"):
            assert network.cost(network.READERS[name], f"{server}/2", 2, 9) > 0
        with network.SYNC_READERS["urllib3 alone"](f"{server}/2") as read:
            for _ in range(2):
                read()
