"""What is shipped, and what it drags along."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import streamfold.reducer

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed() -> metadata.Distribution:
    # of where the package was imported from: a build leaves metadata in the checkout, too
    site_packages = Path(streamfold.reducer.__file__).parent.parent.parent
    (found,) = metadata.distributions(name="streamfold", path=[str(site_packages)])
    return found


def test_nothing_else_is_installed_at_top_level(installed: metadata.Distribution) -> None:
    top = {path.parts[0] for path in installed.files or () if path.parts[0] != ".."}
    assert {name for name in top if not name.endswith(".dist-info")} == {"streamfold"}
    scripts = {path.name for path in installed.files or () if path.parts[0] == ".."}
    assert scripts == {"streamfold"}


def test_it_is_a_namespace_of_three_typed_packages(installed: metadata.Distribution) -> None:
    files = {str(path) for path in installed.files or ()}
    assert "streamfold/__init__.py" not in files
    for package in ("reducer", "transports", "adapters"):
        assert f"streamfold/{package}/__init__.py" in files
        assert f"streamfold/{package}/py.typed" in files


def test_what_is_tested_is_what_is_installed() -> None:
    assert Path(streamfold.reducer.__file__).parent != ROOT / "reducer"


def test_extras_and_dependencies(installed: metadata.Distribution) -> None:
    always = {line for line in installed.requires or () if "extra ==" not in line}
    assert {line.split(">")[0] for line in always} == {"attrs", "httpx", "partial-json-parser"}
    assert {"cli", "serve", "testing"} <= set(installed.metadata.get_all("Provides-Extra") or ())


def test_pytest_finds_the_plugin(installed: metadata.Distribution) -> None:
    found = {point.name: point.value for point in installed.entry_points.select(group="pytest11")}
    assert found == {"streamfold": "streamfold.adapters.pytest_plugin"}


def test_the_layers_import_one_way_only() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout
