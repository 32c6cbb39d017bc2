"""An accumulator compared with the reference on recordings: the differences and their places."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import attrs
import pytest
from streamfold.adapters.corpus import check, compare_all, function_named, save_smallest
from streamfold.reducer import SSEState, decode_sse, encode_event_stream
from streamfold.transports import RecordedResponse, Recording

from tests.support.corpora import CUT, RECORDINGS, WHOLE

CARELESS = "tests.support.corpora:careless"


def compared(*paths, against=CARELESS):
    return list(compare_all(paths, against))


def test_the_reference_differs_nowhere():
    found = compared(RECORDINGS, against="tests.support.corpora:reference")
    assert len(found) > 60
    assert {difference.kinds for difference in found} == {()}
    assert {difference.skipped for difference in found} == {None}


def test_every_kind_of_difference():
    names = ["text", "thinking", "tool", "max-tokens-text", "cut-text", "empty-body"]
    found = compared(*(RECORDINGS / f"{name}.sse" for name in names))
    kinds = [difference.kinds for difference in found]
    assert kinds == [
        ("differs: content.text", "extra: seconds"),
        ("missing: content.signature", "differs: content.text", "extra: seconds"),
        ("raises ValueError",),
        ("returns None",),
        ("accepts incomplete",),
        ("accepts incomplete",),
    ]
    text = found[0]
    assert text.size == len((RECORDINGS / "text.sse").read_bytes())
    assert text.details[0].startswith("content[0].text: expected Honey keeps almost forever")
    assert text.details[1] == "seconds: got 1"
    assert found[2].details == ("no tools here",)


def test_lists_of_other_lengths(tmp_path):
    body = WHOLE.body.replace(b'"content":[]', b'"content":[{"type":"text","text":"Well. "}]')
    body = body.replace(b'"index":0', b'"index":1')
    (tmp_path / "turn.sse").write_bytes(body)
    (longer,) = compared(tmp_path, against="tests.adapters.corpus.test_comparison:first_block")
    assert longer.kinds == ("missing: content",)
    assert json.dumps(longer.details)


def first_block(events):
    from tests.support.corpora import reference

    message = reference(events)
    made = message.to_dict()
    made["content"] = made["content"][:1]
    return made


def test_recordings_that_are_not_compared(tmp_path):
    attrs.evolve(WHOLE, response=RecordedResponse(529)).save(tmp_path / "busy.jsonl")
    (tmp_path / "broken.jsonl").write_bytes(b"{}")
    broken, busy = compared(tmp_path)
    assert broken.skipped.startswith("RecordingError: ")
    assert busy.skipped == "status 529"


def test_data_that_is_not_an_event_is_not_handed_on(tmp_path):
    Recording.of(WHOLE.body[:700] + b"\n\ndata: {\n\n").save(tmp_path / "turn.jsonl")
    CUT.save(tmp_path / "cut.jsonl")
    assert [difference.kinds for difference in compared(tmp_path)] == [("accepts incomplete",)] * 2


def test_a_recording_of_bedrock(tmp_path):
    events = [json.loads(event.data) for event in decode_sse(SSEState(), WHOLE.body)[1]]
    head = RecordedResponse(headers=[("content-type", "application/vnd.amazon.eventstream")])
    made = attrs.evolve(Recording.of(encode_event_stream(events)), response=head)
    made.save(tmp_path / "turn.jsonl")
    (framed,) = compared(tmp_path)
    (plain,) = compared(RECORDINGS / "text.sse")
    assert framed.kinds == plain.kinds != ()
    assert check(framed.file).outcome == "complete"


def test_the_comparison_is_the_same_on_an_executor():
    with ThreadPoolExecutor(2) as executor:
        assert list(compare_all([RECORDINGS], CARELESS, executor=executor)) == compared(RECORDINGS)


def test_the_smallest_recordings_are_saved(tmp_path):
    found = compared(RECORDINGS / "text.sse", RECORDINGS / "tool.sse")
    smallest = {kind: difference for difference in found for kind in difference.kinds}
    saved = save_smallest(smallest, tmp_path / "kinds")
    assert {kind: path.name for kind, path in saved.items()} == {
        "differs: content.text": "differs-content.text.jsonl",
        "extra: seconds": "extra-seconds.jsonl",
        "raises ValueError": "raises-ValueError.jsonl",
    }
    assert check(saved["extra: seconds"]).outcome == "complete"


@pytest.mark.parametrize("name", ["json", ":dumps", "json:", "json:no_such", "json:decoder"])
def test_names_that_are_no_function(name):
    with pytest.raises(ValueError, match="expected"):
        function_named(name)


def test_a_module_that_cannot_be_imported(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ends_at_import.py").write_text("raise SystemExit(3)")
    with pytest.raises(ImportError, match="cannot import ends_at_import: SystemExit: 3"):
        function_named("ends_at_import:f")
    with pytest.raises(ImportError, match="cannot import no_such_module"):
        function_named("no_such_module:f")
