"""Make the picture of the README: `python docs/terminal.py` replays a recording in a terminal.

It writes what the command prints twice: as `terminal.svg`, and as `terminal.txt` for pages that
cannot show the picture. Needs POSIX and the extra `cli`.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

HERE = Path(__file__).parent
RECORDING = "tests/recordings/web-search.sse"
WIDTH = 92


def main() -> None:
    """Write both files."""
    shown = Text.from_ansi(f"$ streamfold replay {RECORDING}\n\n{printed()}".rstrip())
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True)
    console.print(shown)
    svg = console.export_svg(title="streamfold", theme=MONOKAI, unique_id="terminal", clear=False)
    # A picture loads no fonts, so the references to a host that has them are removed.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code, monospace", "Fira Code, Menlo, Consolas, monospace")
    lines = [line.rstrip() for line in console.export_text().splitlines()]
    (HERE / "terminal.svg").write_text(svg, encoding="utf-8", newline="\n")
    (HERE / "terminal.txt").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def printed() -> str:
    """The output of the command on a terminal, with its colours."""
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(WIDTH)}
    environment.pop("NO_COLOR", None)
    command = [sys.executable, "-m", "streamfold.adapters.cli", "replay", RECORDING]
    with subprocess.Popen(command, stdout=slave, cwd=HERE.parent, env=environment):
        os.close(slave)
        output = b""
        while piece := _read(master):
            output += piece
    os.close(master)
    return output.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the end, on Linux: EIO
        return b""


if __name__ == "__main__":
    main()
