"""The import-linter contract "packages are imported by their faces".

import-linter reads the contract from pyproject.toml. Its own types of contract need a list of all
packages; this one holds for every package, new ones included. Imports for type checkers count too.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import grimp
from importlinter import Contract, ContractCheck, fields, output

__all__ = ["FacesContract"]


class FacesContract(Contract):
    """The face of a package is its `__init__`. The contract has two rules.

    A module is imported only from inside the package that holds it; other code imports the face of
    that package. A module does not import the face of a package that holds it, because the face
    imports the module.
    """

    type_name = "faces"

    packages = fields.ListField(subfield=fields.StringField())

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        """Find the imports that break a rule."""
        roots = tuple(str(root) for root in self.packages)  # type: ignore[attr-defined]
        broken = [
            f"{importer} imports {imported} (line {detail['line_number']}): {advice}"
            for importer, imported in sorted(_imports(graph, roots))
            for detail in graph.get_import_details(importer=importer, imported=imported)
            if (advice := _advice(graph, importer, imported, detail["line_contents"]))
        ]
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print the imports that break a rule."""
        for line in check.metadata["broken"]:
            output.print_error(line)


def _imports(graph: grimp.ImportGraph, roots: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The imports of modules that a root holds."""
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            if any(_holds(root, imported) for root in roots):
                yield importer, imported


def _advice(graph: grimp.ImportGraph, importer: str, imported: str, line: str) -> str:
    """The way to keep the contract; empty for an import that keeps it."""
    if _holds(imported, importer):
        return "import the module that defines the name"
    package, _, name = imported.rpartition(".")
    if (
        graph.find_children(imported)
        or _holds(package, importer)
        or _is_export(package, name, line)
    ):
        return ""
    return f"import {package}"


def _holds(package: str, module: str) -> bool:
    """Whether `module` is `package` or inside it."""
    return module == package or module.startswith(f"{package}.")


def _is_export(package: str, name: str, line: str) -> bool:
    """Whether a line imports a function or class from the face of `package`, not the module that
    has the same name. grimp takes the one for the other.
    """
    names_module = f".{name} " in f"{line} "
    return not names_module and name in getattr(import_module(package), "__all__", ())
