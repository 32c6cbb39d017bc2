"""The built documentation: no warnings, every public name, a search and texts without a network."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="the documentation is built with the extra 'docs'")

ROOT = Path(__file__).parent.parent.parent
FACES = re.findall(
    r"^\.\. public-names:: (\S+)$",
    "\n".join(page.read_text("utf-8") for page in (ROOT / "docs/reference").glob("*.rst")),
    re.MULTILINE,
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation as HTML. Sphinx makes a warning a failure."""
    folder = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    done = subprocess.run(
        [*command, "-d", str(folder / "doctrees"), "docs", str(folder / "html")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout
    return folder / "html"


def inventory(built: Path) -> set[str]:
    """The names that the documentation defines."""
    content = (built / "objects.inv").read_bytes().split(b"\n", 4)[4]
    return {line.split()[0] for line in zlib.decompress(content).decode().splitlines()}


@pytest.mark.parametrize("face", FACES)
def test_every_public_name_is_in_the_reference(built: Path, face: str) -> None:
    expected = {f"{face}.{name}" for name in importlib.import_module(face).__all__}
    assert expected
    assert not expected - inventory(built)


def test_every_public_package_has_a_page() -> None:
    folders = {f"streamfold.{name}" for name in ("reducer", "transports")}
    adapters = {
        f"streamfold.adapters.{path.stem}"
        for path in (ROOT / "adapters").iterdir()
        if path.suffix in ("", ".py") and path.stem not in ("__init__", "__pycache__", "py")
    }
    # the command line and the pytest plugin have pages of their own, telemetry is behind two faces
    private = {f"streamfold.adapters.{name}" for name in ("cli", "telemetry")}
    adapters -= private | {name for name in adapters if "pytest_" in name}
    assert set(FACES) == folders | adapters


def test_pages_load_nothing_from_elsewhere(built: Path) -> None:
    for page in built.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img|link|iframe)\b[^>]*?(?:src|href)="([^"]+)"', text)
        assert loaded
        assert not [url for url in loaded if url.startswith(("http:", "https:", "//"))], page


def test_the_search_and_the_texts_for_models_are_there(built: Path) -> None:
    assert (built / "searchindex.js").stat().st_size > 10_000
    assert "tutorial/first-stream" in (built / "llms.txt").read_text(encoding="utf-8")
    assert "decode_sse" in (built / "llms-full.txt").read_text(encoding="utf-8")
