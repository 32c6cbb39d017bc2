"""The command line: `streamfold COMMAND …`. Each command is a module of its name."""

from .main import main

__all__ = ["main"]
