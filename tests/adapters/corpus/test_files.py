"""The names of the recordings in directories, archives and file systems that fsspec opens."""

from __future__ import annotations

import sys
import zipfile

import fsspec
import pytest
from streamfold.adapters.corpus import check_all, expand_paths

from tests.support.corpora import WHOLE, fill


def names(*paths):
    return list(expand_paths(paths))


def test_a_directory_in_the_order_a_person_expects(tmp_path):
    for name in ("turn-10.jsonl", "turn-2.jsonl", "b.sse", "notes.txt", "turn.jsonl", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "10").mkdir()
    (tmp_path / "10" / "deep.sse").touch()
    (tmp_path / "9").mkdir()
    (tmp_path / "9" / "deep.sse").touch()
    found = [name.removeprefix(f"{tmp_path}/") for name in names(tmp_path)]
    assert found == [
        "b.sse",
        "turn.jsonl",
        "turn-2.jsonl",
        "turn-10.jsonl",
        "9/deep.sse",
        "10/deep.sse",
    ]


def test_a_file_is_taken_by_any_name(tmp_path):
    body = tmp_path / "body"
    body.write_bytes(WHOLE.body)
    assert names(str(body), body) == [str(body), str(body)]
    assert [report.outcome for report in check_all([body])] == ["complete"]


def test_a_directory_that_cannot_be_listed_is_one_unreadable_file(tmp_path, monkeypatch):
    (tmp_path / "turn.sse").write_bytes(WHOLE.body)

    def walk(folder, onerror):
        yield folder, [], ["turn.sse"]
        onerror(PermissionError(13, "Permission denied", f"{folder}/below"))

    monkeypatch.setattr("os.walk", walk)
    errors = []
    assert list(expand_paths([tmp_path], unlisted=errors.append))[1] == f"{tmp_path}/below"
    assert [error.strerror for error in errors] == ["Permission denied"]
    reports = list(check_all([tmp_path]))
    assert [report.outcome for report in reports] == ["complete", "unreadable"]


def archive(folder, path):
    with zipfile.ZipFile(path, "w") as made:
        for file in sorted(folder.iterdir()):
            made.write(file, f"night/{file.name}")
        made.writestr("night/notes.txt", "no recording")


def test_a_zip_archive(tmp_path):
    folder = fill(tmp_path / "night", 12)
    archive(folder, tmp_path / "night.zip")
    found = names(tmp_path / "night.zip")
    assert found[:3] == [
        f"zip://night/turn-{number}.jsonl::{tmp_path}/night.zip" for number in (0, 1, 2)
    ]
    of_archive = list(check_all([tmp_path / "night.zip"]))
    of_folder = list(check_all([folder]))
    assert [report.outcome for report in of_archive] == [report.outcome for report in of_folder]
    assert [report.reason for report in of_archive] == [report.reason for report in of_folder]
    inner = f"zip://night::{tmp_path}/night.zip"
    assert names(inner) == found
    assert names(found[0]) == [found[0]]


@pytest.fixture
def memory():
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield files
    files.store.clear()


def test_a_bucket(memory, tmp_path):
    folder = fill(tmp_path / "night", 12)
    memory.put(str(folder), "/bucket/night", recursive=True)
    archive(folder, tmp_path / "night.zip")
    memory.put(str(tmp_path / "night.zip"), "/bucket/night.zip")
    local = [(report.outcome, report.reason) for report in check_all([folder])]
    for url in ("memory://bucket/night", "memory://bucket/night.zip"):
        assert [(report.outcome, report.reason) for report in check_all([url])] == local
    assert names("memory://bucket/night")[0] == "memory:///bucket/night/turn-0.jsonl" or (
        names("memory://bucket/night")[0] == "memory://bucket/night/turn-0.jsonl"
    )
    one = names("memory://bucket/night")[0]
    assert names(one) == [one]


def test_urls_that_cannot_be_read():
    paths = ["memory://bucket/x.jsonl", "zip://x.jsonl::/no/such.zip", "/no/such.zip", "x.sse"]
    reports = list(check_all(paths))
    assert [report.file for report in reports] == paths
    assert [report.outcome for report in reports] == ["unreadable"] * 4


def test_without_fsspec_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ImportError, match=r"pip install 'streamfold\[fsspec\]'"):
        names("s3://bucket/night")
