"""The command line: `streamfold COMMAND …`. Each command is a module; `main` runs one."""

from .main import main

__all__ = ["main"]
