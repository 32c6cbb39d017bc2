"""The list of recordings that no test uses, at the end of a pytest run.

A recording is unused if no collected test has it, whether that test ran or not. A recording is
listed only if all tests that could have it were collected: those of its module, if it is in the
folder of one, otherwise those of all modules beside the folder `recordings`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path

import pytest

from .pytest_file_names import FOLDER, SUFFIX, first_of_turns, recording_path, shown_path

__all__ = ["Collection"]


class Collection:
    """A pytest plugin that notes the collected tests, and lists the recordings without one.

    Attributes:
        used: the recordings that tests have used. `recorded_streams` adds to them.
    """

    def __init__(self, config: pytest.Config, fixture: str) -> None:
        """Watch a run.

        Args:
            config: the configuration of the run.
            fixture: the name of the fixture by which a test asks for recordings.
        """
        self._config = config
        self._fixture = fixture
        self._items: list[pytest.Item] = []
        self._whole: set[Path] = set()
        self._broken: set[Path] = set()
        self.used: set[Path] = set()

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Note a test, which may be deselected later."""
        self._items.append(item)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note whether a module, or a class in it, could be collected."""
        path = Path(os.path.normpath(self._config.rootpath / report.nodeid.partition("::")[0]))
        (self._whole if report.passed else self._broken).add(path)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """List the unused recordings, if there are any."""
        unused = self._unused()
        if unused:
            terminalreporter.section("recordings that no test uses", sep="-")
            for path in unused:
                terminalreporter.line(shown_path(path, self._config))

    def _unused(self) -> list[Path]:
        folders = {
            item.path.parent / FOLDER
            for item in self._items
            if self._fixture in getattr(item, "fixturenames", ())
        }
        if not folders or self._is_selection():
            return []
        used = {*self.used, *self._paths()}
        return sorted(
            path
            for folder in folders
            for path in folder.rglob(f"*{SUFFIX}")
            if used.isdisjoint((path, first_of_turns(path)))
            and self._are_collected(self._modules(folder, path))
        )

    def _is_selection(self) -> bool:
        """Whether modules were collected in part: named tests, or those that failed last."""
        named = any("::" in argument for argument in self._config.args)
        return named or bool(self._config.getoption("lf", False))

    def _paths(self) -> Iterator[Path]:
        for item in self._items:
            with suppress(TypeError, ValueError):  # the fixture has reported it
                yield recording_path(item)

    def _modules(self, folder: Path, path: Path) -> list[Path]:
        """The modules whose tests could use the recording at `path`."""
        parent = folder.parent
        own = parent / f"{path.relative_to(folder).parts[0]}.py"
        if own.is_file():
            return [own]
        patterns = self._config.getini("python_files")
        return [
            module
            for module in parent.glob("*.py")
            if any(fnmatch(module.name, pattern) for pattern in patterns)
        ]

    def _are_collected(self, modules: list[Path]) -> bool:
        return self._whole.issuperset(modules) and self._broken.isdisjoint(modules)
