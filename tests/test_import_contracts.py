"""The contract about faces accepts the imports that it should, and no other."""

from __future__ import annotations

import sys
from types import ModuleType

import grimp
import pytest
from importlinter import ContractCheck

from tests.support.import_contracts import FacesContract

MODULES = (
    "house",
    "house.hall",
    "house.kitchen",
    "house.kitchen.oven",
    "house.kitchen.sink",
    "house.kitchen.larder",
    "house.kitchen.larder.shelf",
    "garden",
)


@pytest.fixture(autouse=True)
def _faces(monkeypatch: pytest.MonkeyPatch) -> None:
    """The packages of `MODULES`. The face of the kitchen exports a function `sink`."""
    for name in ("house", "house.kitchen", "house.kitchen.larder"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["house.kitchen"].__dict__["__all__"] = ["sink"]


def checked(importer: str, imported: str, line: str = "") -> ContractCheck:
    graph = grimp.ImportGraph()
    for module in MODULES:
        graph.add_module(module)
    graph.add_import(
        importer=importer,
        imported=imported,
        line_number=7,
        line_contents=line or f"import {imported}",
    )
    contract = FacesContract(
        name="faces", session_options={}, contract_options={"packages": ["house"]}
    )
    return contract.check(graph, verbose=False)


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("house.kitchen", "house.kitchen.oven"),
        ("house.kitchen.oven", "house.kitchen.sink"),
        ("house.kitchen.larder.shelf", "house.kitchen.sink"),
        ("house.hall", "house.kitchen"),
        ("house.hall", "house.kitchen.larder"),
        ("house.kitchen.oven", "house.hall"),
        ("garden", "house"),
        ("house.hall", "garden"),
    ],
)
def test_imports_of_a_face_and_inside_a_package(importer: str, imported: str) -> None:
    assert checked(importer, imported).kept


@pytest.mark.parametrize(
    ("importer", "imported", "advice"),
    [
        ("house.hall", "house.kitchen.oven", "import house.kitchen"),
        ("house.kitchen.oven", "house.kitchen.larder.shelf", "import house.kitchen.larder"),
        ("garden", "house.hall", "import house"),
        ("house.kitchen.oven", "house.kitchen", "import the module that defines the name"),
        ("house.kitchen.oven", "house", "import the module that defines the name"),
    ],
)
def test_imports_past_a_face_and_of_the_own_face(importer: str, imported: str, advice: str) -> None:
    check = checked(importer, imported)
    assert not check.kept
    assert check.metadata["broken"] == [f"{importer} imports {imported} (line 7): {advice}"]


def test_a_function_with_the_name_of_its_module() -> None:
    line = "from house.kitchen import sink"
    assert checked("house.hall", "house.kitchen.sink", line).kept
    assert not checked("house.hall", "house.kitchen.sink", "from .kitchen.sink import tap").kept
    assert not checked("house.hall", "house.kitchen.oven", "from .kitchen import oven").kept
