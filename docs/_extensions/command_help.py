"""The directive `command-help`: the help of the command line and of each of its commands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import nested_parse_with_titles

_ENVIRONMENT = {**os.environ, "COLUMNS": "88", "NO_COLOR": "1", "PYTHON_COLORS": "0"}


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class CommandHelp(SphinxDirective):
    """The output of `streamfold COMMAND --help`, under a heading for each command."""

    def run(self) -> list[nodes.Node]:
        """Run the command line."""
        holder = nodes.section()
        holder.document = self.state.document
        nested_parse_with_titles(self.state, StringList(list(_pages()), "command-help"), holder)
        return holder.children


def _pages() -> Iterator[str]:
    for command in re.findall(r"^    (\w+) ", _help(), re.MULTILINE):
        title = f"streamfold {command}"
        yield from ("", title, "-" * len(title), "", ".. code-block:: text", "")
        yield from (f"   {line}" for line in _help(command).splitlines())


def _help(*command: str) -> str:
    arguments = [sys.executable, "-m", "streamfold.adapters.cli", *command, "--help"]
    done = subprocess.run(arguments, env=_ENVIRONMENT, capture_output=True, check=True)
    return done.stdout.decode()
