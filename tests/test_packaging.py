"""The distribution: its packages, its metadata, and the direction of its imports.

Holds for an installed wheel and for an editable install.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import streamfold.adapters
import streamfold.reducer
import streamfold.transports

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = (streamfold.reducer, streamfold.transports, streamfold.adapters)


@pytest.fixture(scope="module")
def installed() -> metadata.Distribution:
    # A build leaves an egg-info folder in the checkout. It has no RECORD, an installation does.
    found = metadata.distributions(name="streamfold")
    return next(one for one in found if one.read_text("RECORD"))


@pytest.fixture(scope="module")
def is_editable(installed: metadata.Distribution) -> bool:
    origin = json.loads(installed.read_text("direct_url.json") or "{}")
    return bool(origin.get("dir_info", {}).get("editable", False))


def folders(package: Path) -> set[str]:
    """The folders with Python files in a package, itself included, as import names in it."""
    return {
        ".".join(path.parent.relative_to(package.parent).parts) for path in package.rglob("*.py")
    }


def test_every_package_is_shipped_and_typed() -> None:
    tops = ("reducer", "transports", "adapters")
    found = {f"streamfold.{name}" for top in tops for name in folders(ROOT / top)}
    assert found == set(PROJECT["tool"]["setuptools"]["packages"])
    for package in PACKAGES:
        assert Path(str(package.__file__)).with_name("py.typed").exists()


def test_streamfold_is_a_namespace_and_the_only_name_at_top_level(
    installed: metadata.Distribution, is_editable: bool
) -> None:
    files = [path for path in installed.files or () if "__pycache__" not in path.parts]
    assert not any(path.parts == ("streamfold", "__init__.py") for path in files)
    scripts = {path.name for path in files if path.parts[0] == ".."}
    assert scripts == {"streamfold"}
    top = {path.parts[0] for path in files if path.parts[0] != ".."}
    shipped = {name for name in top if not name.endswith(".dist-info")}
    if is_editable:
        assert all(name.startswith("__editable__") for name in shipped)
    else:
        assert shipped == {"streamfold"}


def test_the_tests_run_against_the_installation(is_editable: bool) -> None:
    for package in PACKAGES:
        imported = Path(str(package.__file__))
        checkout = ROOT / package.__name__.removeprefix("streamfold.") / "__init__.py"
        assert imported.samefile(checkout) is is_editable


def test_extras_and_dependencies(installed: metadata.Distribution) -> None:
    always = {line for line in installed.requires or () if "extra ==" not in line}
    assert {line.split(">")[0] for line in always} == {"attrs", "httpx", "partial-json-parser"}
    assert {"cli", "serve", "testing"} <= set(installed.metadata.get_all("Provides-Extra") or ())


def test_pytest_finds_the_plugin(installed: metadata.Distribution) -> None:
    found = {point.name: point.value for point in installed.entry_points.select(group="pytest11")}
    assert found == {"streamfold": "streamfold.adapters.pytest_plugin"}


def test_the_layers_import_one_way_only() -> None:
    code = "from importlinter.cli import lint_imports_command as command; command(['--no-cache'])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout
