"""The fixtures of the command line."""

from tests.support.command_line import replay

__all__ = ["replay"]
