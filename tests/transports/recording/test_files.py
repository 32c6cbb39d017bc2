"""The files of recordings: whole or not written at all, and found in natural order."""

from __future__ import annotations

import os

import pytest
from streamfold.transports import Recording, recording_files


def test_saving_makes_folders_and_replaces_files(tmp_path):
    path = tmp_path / "a" / "b" / "turn.jsonl"
    Recording.of(b"first").save(path)
    Recording.of(b"second").save(str(path))
    assert Recording.load(path).body == b"second"
    assert os.listdir(path.parent) == ["turn.jsonl"]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failed_save_leaves_the_old_file(failing, tmp_path, monkeypatch):
    path = tmp_path / "turn.jsonl"
    Recording.of(b"first").save(path)

    def fail(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(OSError, match="no space left"):
        Recording.of(b"second").save(path)
    assert os.listdir(tmp_path) == ["turn.jsonl"]
    assert Recording.load(path).body == b"first"


def test_the_files_of_a_folder_are_in_natural_order(tmp_path):
    names = [
        "b/turn.jsonl",
        "b/turn-2.jsonl",
        "b/turn-10.jsonl",
        "b/turn-10b.sse",
        "a.sse",
        "c.jsonl",
    ]
    for name in [*names, "a.json", "notes.md"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in recording_files(tmp_path)]
    assert found == ["a.sse", *names[:4], "c.jsonl"]


@pytest.mark.parametrize("name", ["a.sse", "nowhere"])
def test_a_file_and_a_missing_folder_have_no_files(name, tmp_path):
    (tmp_path / "a.sse").touch()
    with pytest.raises(OSError, match=name):
        recording_files(tmp_path / name)


def test_the_data_is_on_the_disk_before_the_file_has_its_name(tmp_path, monkeypatch):
    path = tmp_path / "turn.jsonl"
    synced = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append((os.fstat(file), path.exists())))
    Recording.of(b"first").save(path)
    ((unfinished, existed),) = synced
    assert (unfinished.st_size, existed) == (path.stat().st_size, False)
