"""The description for a package index: the README in a form that needs no other file.

A package index shows the README without the repository around it, so links and pictures need whole
addresses. They are made from the address of the repository: `Source` in `[project.urls]` of
pyproject.toml. Without one, the picture is replaced by its text, and links to files
of the repository by their words.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from setuptools import setup

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent


def description(readme: str, picture: str, version: str, source: str | None) -> str:
    """The README for a package index.

    Args:
        readme: the text of README.md.
        picture: the text of the terminal in the picture.
        version: the version, which is also the name of the tag.
        source: the address of the repository; `None` if it is unknown.
    """
    readme = re.sub(r"<!--.*?-->\n?", "", readme)
    if source is None:
        readme = re.sub(r"!\[[^]]*\]\(docs/[^)]*\)", lambda _: f"```text\n{picture}```", readme)
        return re.sub(r"(?<!!)\[([^]]*)\]\((?!https?:)[^)]*\)", r"\1", readme)
    base = f"{source.rstrip('/')}/raw/v{version}/"
    readme = re.sub(r"(!\[[^]]*\]\()(?!https?:)", rf"\g<1>{base}", readme)
    base = f"{source.rstrip('/')}/blob/v{version}/"
    return re.sub(r"(?<!!)(\[[^]]*\]\()(?!https?:)", rf"\g<1>{base}", readme)


if __name__ == "__main__":
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    setup(
        long_description=description(
            (ROOT / "README.md").read_text(encoding="utf-8"),
            (ROOT / "docs" / "terminal.txt").read_text(encoding="utf-8"),
            project["version"],
            project.get("urls", {}).get("Source"),
        ),
        long_description_content_type="text/markdown",
    )
