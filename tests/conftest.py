"""Fixtures for every test, and the two Hypothesis profiles.

`default` is small and derandomised: every run draws the same examples, so a change cannot fail by
chance. `thorough` draws ten times as many, different ones in every run; `.ci/run` uses it:

    python -m pytest -n auto                                  # the profile "default"
    python -m pytest -n auto --hypothesis-profile=thorough

`tests.support.effort` scales the number of examples of single tests with the profile. Neither
profile has a deadline or a check for slow strategies, because both depend on the machine, and
neither keeps a database, so that no run depends on an earlier one.
"""

from __future__ import annotations

import gc
import os

import pytest
from hypothesis import HealthCheck, settings

from tests.support.effort import FULL_EFFORT
from tests.support.loopback import server
from tests.support.shells import Shell

__all__ = ["server"]

settings.register_profile(
    "thorough",
    max_examples=FULL_EFFORT,
    derandomize=False,
    print_blob=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "default",
    settings.get_profile("thorough"),
    max_examples=FULL_EFFORT // 10,
    derandomize=True,
)
settings.load_profile("default")  # also under CI=true, for which Hypothesis has its own profile
os.environ["HYPOTHESIS_NO_PLUGINS"] = "1"  # in child processes, where they would import trio


def pytest_configure(config: pytest.Config) -> None:
    """Let xdist run a file in one worker, because the tests of a file share expensive fixtures."""
    config.addinivalue_line("markers", "thorough: this test does more in the profile 'thorough'")
    if config.getoption("dist", "no") == "load":  # the default of `-n`
        config.option.dist = "loadfile"


@pytest.hookimpl(optionalhook=True)  # a hook of xdist
def pytest_xdist_auto_num_workers() -> int | None:
    """For `-n auto`, one worker more than there are cores, because workers wait for sockets."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Make every warning an error while a test runs, but not while other plugins start."""
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("error"), append=False)


def pytest_collection_finish() -> None:
    """Exempt the modules and the collected tests from garbage collection, and collect less often.

    Property tests make many objects, so that a tenth of their time would be garbage collection.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)


@pytest.fixture(params=["sync", "asyncio", "trio"])
def shell(request: pytest.FixtureRequest) -> Shell:
    """The sync stream, then the async one on each event loop."""
    return Shell(request.param)


@pytest.fixture
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """The event loop of an async test: that of its `shell`, or asyncio."""
    shell = request.getfixturevalue("shell") if "shell" in request.fixturenames else None
    return "trio" if shell is not None and shell.name == "trio" else "asyncio"
