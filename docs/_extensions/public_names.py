"""The reference, generated from the packages.

    .. public-names:: streamfold.reducer

documents every name in the `__all__` of a package, under a heading for each module that defines
some of them. A base class without an entry of its own is left out, and its members are those of
the class. With `:aliases:` it makes tables of the names and the objects behind them.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Generic, is_typeddict

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import nested_parse_with_titles


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive, and the translation of docstrings."""
    app.add_directive("public-names", PublicNames)
    app.connect("autodoc-process-docstring", _translate, priority=100)
    app.connect("autodoc-process-bases", _show_bases)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class PublicNames(SphinxDirective):
    """All public names of a package."""

    required_arguments = 1
    option_spec = {"aliases": directives.flag}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        """Document the names."""
        package = importlib.import_module(self.arguments[0])
        lines = _tables(package) if "aliases" in self.options else _by_module(package)
        holder = nodes.section()
        holder.document = self.state.document
        nested_parse_with_titles(self.state, StringList(list(lines), package.__name__), holder)
        return holder.children


# --- objects, module by module --------------------------------------------------------------------


def _by_module(package: ModuleType) -> Iterator[str]:
    homes: dict[str, list[str]] = {}
    for name in package.__all__:
        homes.setdefault(_home(package, name), []).append(name)
    for home, names in sorted(homes.items(), key=lambda item: _position(package, item[0])):
        source = inspect.getsource(sys.modules[home])
        if len(homes) > 1:
            title = home.rpartition(".")[2].replace("_", " ").capitalize()
            summary = inspect.cleandoc(sys.modules[home].__doc__ or "").split("\n\n")[0]
            yield from ("", title, "-" * len(title), "", *_markup(summary.splitlines()), "")
        for name in sorted(names, key=lambda name: _line(source, name)):
            yield from _entry(package, name, home)


def _home(package: ModuleType, name: str) -> str:
    """The module that defines a public name: the innermost one that has it in its `__all__`."""
    value = getattr(package, name)
    having = [
        module.__name__
        for module in tuple(sys.modules.values())
        if getattr(module, "__name__", "").startswith(f"{package.__name__}.")
        and name in getattr(module, "__all__", ())
        and getattr(module, name) is value
        and not hasattr(module, "__path__")
    ]
    named = getattr(value, "__module__", None)
    return named if named in having else min(having, default=package.__name__)


def _position(package: ModuleType, home: str) -> int:
    """The position of a module in the imports of the package."""
    return inspect.getsource(package).find(f" .{home.removeprefix(package.__name__ + '.')} ")


def _line(source: str, name: str) -> int:
    """The position in a module at which it defines a name."""
    found = re.search(rf"^(?:async def |def |class )?{name}\b", source, re.MULTILINE)
    return found.start() if found else 0


def _entry(package: ModuleType, name: str, home: str) -> Iterator[str]:
    value, path = getattr(package, name), f"{package.__name__}.{name}"
    if isinstance(value, type):
        kind = "exception" if issubclass(value, BaseException) else "class"
        if is_typeddict(value):
            yield from ("", f".. autoclass:: {path}", "", *_keys(value))
            return
        yield from ("", f".. auto{kind}:: {path}", "   :members:")
        elsewhere = {
            ancestor.__name__
            for base in value.__mro__[1:]
            if _has_entry(base)
            for ancestor in base.__mro__
        }
        yield f"   :inherited-members: {', '.join(sorted(elsewhere))}"
        if _shown_bases(value):
            yield "   :show-inheritance:"
        yield ""
    elif inspect.isfunction(value):
        yield from ("", f".. autofunction:: {path}", "")
    else:
        text = ModuleAnalyzer.for_module(home).find_attr_docs().get(("", name), [])
        yield from ("", f".. py:data:: {name}", f"   :module: {package.__name__}", "")
        yield from (f"   {line}" for line in _markup(text))
        yield from ("", f"   ``{_shown(value)}``", "")


def _keys(value: Any) -> Iterator[str]:
    """The table of the keys of a `TypedDict`, below its docstring."""
    yield from ("   .. list-table::", "      :header-rows: 1", "")
    yield from ("      * - name", "        - type")
    for name, kind in value.__annotations__.items():
        text = re.sub(r"^Maybe\[(.*)\]$", r"\1", kind.__forward_arg__)
        required = ", required" if name in value.__required_keys__ else ""
        yield from (f"      * - ``{name}``", f"        - ``{text}``{required}")
    yield ""


def _has_entry(base: type) -> bool:
    """Whether a class has an entry in this reference, or belongs to Python or another library.

    The packages inside of `streamfold.reducer` and `streamfold.transports` have no entries.
    """
    packages = base.__module__.split(".")
    deepest = 3 if packages[1:2] == ["adapters"] else 2
    faces = [".".join(packages[:length]) for length in range(1, min(deepest, len(packages)) + 1)]
    return packages[0] != "streamfold" or any(
        hasattr(sys.modules[face], "__path__")
        and base.__name__ in getattr(sys.modules[face], "__all__", ())
        for face in faces
    )


def _shown_bases(value: type) -> list[type]:
    """The bases of a class that have an entry; in place of another base, those of that base."""
    bases: list[type] = []
    for base in value.__bases__:
        bases += [base] if _has_entry(base) else _shown_bases(base)
    return [base for base in dict.fromkeys(bases) if base not in (object, Generic)]


def _show_bases(app: Sphinx, name: str, value: type, options: Any, bases: list[Any]) -> None:
    """Put the bases to show in place of those that autodoc found."""
    bases[:] = _shown_bases(value)


def _shown(value: Any) -> str:
    """The value of a constant or a union, without the names of modules."""
    text = re.sub(r"\b(?:streamfold|typing|collections\.abc)\.(?:\w+\.)*", "", repr(value))
    text = re.sub(r"<class '(?:\w+\.)*(\w+)'>", r"\1", text)
    return text if len(text) <= 600 else f"{text[:600]} …"


# --- the table of aliases -------------------------------------------------------------------------


def _tables(package: ModuleType) -> Iterator[str]:
    tables: dict[str, list[str]] = {"Clients, streams, events and values": [], "Errors": []}
    for name in package.__all__:
        value = getattr(package, name)
        is_error = isinstance(value, type) and issubclass(value, BaseException)
        title = "Errors" if is_error else next(iter(tables))
        tables.setdefault("Names of the beta" if "Beta" in name else title, []).append(name)
    for title, names in tables.items():
        yield from ("", title, "-" * len(title))
        yield from ("", ".. list-table::", "   :header-rows: 1", "", "   * - name", "     - object")
        for name in names:
            yield f"   * - .. py:data:: {name}"
            yield f"          :module: {package.__name__}"
            yield "          :no-typesetting:"
            yield ""
            yield f"       ``{name}``"
            yield f"     - {_object(getattr(package, name))}"
    yield ""


def _object(value: Any) -> str:
    """The object behind an alias, as a link to its own entry."""
    for face in ("streamfold.reducer", "streamfold.transports", "streamfold.adapters.client"):
        module = importlib.import_module(face)
        for public in module.__all__:
            if getattr(module, public) is value:
                return f":py:obj:`{face}.{public}`"
    return f"``{_shown(value)}``"


# --- the markup of docstrings ---------------------------------------------------------------------


def _translate(
    app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]
) -> None:
    """Translate a docstring in place, without that of an `__init__` which attrs has made."""
    lines[:] = _markup([line for line in lines if not line.startswith(_MADE_BY_ATTRS)])
    if what == "property":  # napoleon takes the words before a colon in the first line for a type
        first, _, rest = lines[0].partition(" ")
        lines[:1] = [first, rest]


_MADE_BY_ATTRS = "Method generated by attrs for class "

_SECTION = re.compile(r"\s*(Args|Returns|Raises|Attributes|Yields):")


def _markup(lines: list[str]) -> list[str]:
    """A docstring as reStructuredText.

    Backticks mark code, no other character is markup, and lines that are indented deeper than the
    paragraph before them are code.
    """
    out: list[str] = []
    code = -1  # the indentation of the paragraph in front of a block of code; -1 outside of one
    doctest = False
    previous = ""  # the last line with text
    for line in lines:
        text, indent = line.strip(), len(line) - len(line.lstrip())
        follows_gap = bool(out) and not out[-1].strip()
        if text and code >= 0 and indent <= code:
            code = -1
        doctest = bool(text) and (doctest or text.startswith(">>>"))
        before = len(previous) - len(previous.lstrip())
        deeper = indent > before and not _SECTION.match(previous)
        if text and code < 0 and not doctest and follows_gap and previous and deeper:
            out.extend([" " * before + "::", ""])
            code = before
        out.append(line if doctest or code >= 0 else _escaped(line))
        previous = line if text and code < 0 else previous
    return out


def _escaped(line: str) -> str:
    pieces = re.split(r"(``.*?``|`[^`]*`)", line)
    for index, piece in enumerate(pieces):
        if index % 2 == 0:
            piece = re.sub(r"([*|])", r"\\\1", piece)
            pieces[index] = re.sub(r"(?<=\w)_(?!\w)", r"\\_", piece)
        elif not piece.startswith("``"):
            glued = index + 1 < len(pieces) and pieces[index + 1][:1].isalnum()
            pieces[index] = f"`{piece}`" + ("\\ " if glued else "")
    return "".join(pieces)
