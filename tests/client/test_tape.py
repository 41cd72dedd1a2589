"""The file of a recording: whatever ends the writing or changes a byte, what is read was written, and the rest is said."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botcore.client.tape import Answered, Asked, Began, End, Failed, Head, Interrupted, Record, Sent, Tape, TapeWriter
from botcore.errors import RecordingError

HEAD = Head("sandbox", "0.1.0", 1_795_435_200_000_000_000, 7, [{"scan": {"game": "csgo"}}], {"quota": {"market": 10}})
MOMENT = st.integers(0, 2**62)
NUMBER = st.integers(0, 2**31)
RECORDS = st.one_of(
    st.builds(Began, MOMENT, st.text(max_size=20)),
    st.builds(Asked, NUMBER, MOMENT, st.sampled_from(["GET", "POST"]), st.text(max_size=40), st.binary(max_size=60)),
    st.builds(Sent, NUMBER, MOMENT),
    st.builds(
        Answered, NUMBER, MOMENT, st.integers(100, 599), st.lists(st.tuples(st.text(max_size=9), st.text(max_size=9)), max_size=3), st.binary(max_size=200)
    ),
    st.builds(Failed, NUMBER, MOMENT, st.sampled_from(["ReadError", "ConnectError"]), st.text(max_size=20)),
    st.builds(Interrupted, MOMENT, st.text(max_size=9)),
)
END = End(2**40, -0.5)


def written(path: Path, records: list[Record], end: End | None = END, *, most: int = 1_000_000) -> bytes:
    writer = TapeWriter(path, HEAD, most)
    for record in records:
        writer.put(record)
    writer.close(end)
    return path.read_bytes()


def read(path: Path) -> tuple[list[Record], bool]:
    tape = Tape(path)
    try:
        return [record for _, _, record in tape.records()], tape.whole
    finally:
        tape.close()


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> tuple[Path, list[Record], bytes]:
    """A small recording, its records and its bytes; every record has a frame of its own."""
    path = tmp_path_factory.mktemp("tape") / "sample.rec"
    records: list[Record] = [
        Asked(0, 5, "GET", "/x?y=1", b""),
        Sent(0, 6),
        Answered(0, 9, 200, [("date", "now")], b'{"items": []}' * 20),
        Failed(1, 10, "ReadError", ""),
    ]
    return path, [HEAD, *records, END], written(path, records, most=1)


@settings(max_examples=60, deadline=None)
@given(st.lists(RECORDS, max_size=25), st.sampled_from([1, 50, 1_000_000]))
def test_what_is_written_is_read_in_its_order(records, most):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.rec"
        written(path, records, most=most)
        assert read(path) == ([HEAD, *records, END], True)


def test_a_recording_cut_anywhere_gives_what_was_written_until_then_and_is_said_to_be_cut(sample, tmp_path):
    _, records, data = sample
    path = tmp_path / "cut.rec"
    lengths, refusals = [], []
    for length in range(len(data)):
        path.write_bytes(data[:length])
        try:
            found, whole = read(path)
        except RecordingError as error:
            refusals.append(str(error))
            continue
        assert not whole
        assert found == records[: len(found)]
        lengths.append(len(found))
    assert lengths == sorted(lengths)
    assert all("cut off" in refusal or "is no recording" in refusal for refusal in refusals)
    assert set(lengths) == set(range(1, len(records)))


def test_no_byte_can_be_changed_unnoticed(sample, tmp_path):
    _, records, data = sample
    path = tmp_path / "altered.rec"
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x20]) + data[place + 1 :])
        try:
            found, whole = read(path)
        except RecordingError:
            continue
        # A length that leads behind the end looks like a recording that was cut.
        assert not whole
        assert found == records[: len(found)]
        assert found != records


@pytest.mark.parametrize("more", [b"\0", b"and more", bytes(80)])
def test_what_was_added_behind_the_end_is_noticed(sample, tmp_path, more):
    _, _, data = sample
    path = tmp_path / "longer.rec"
    path.write_bytes(data + more)
    try:
        said = "cut" if not read(path)[1] else "whole"
    except RecordingError as error:
        said = str(error)
    assert said == "cut" or "was altered" in said


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 something else", b"botcore recording 2\n"])
def test_another_file_is_no_recording(tmp_path, data):
    (tmp_path / "other").write_bytes(data)
    with pytest.raises(RecordingError, match=r"is no recording of botcore"):
        Tape(tmp_path / "other")


def test_a_recording_without_its_end_says_so_and_is_read(tmp_path):
    written(tmp_path / "killed.rec", [Sent(0, 1)], None)
    tape = Tape(tmp_path / "killed.rec")
    assert (tape.whole, tape.end, tape.head) == (False, None, HEAD)
    tape.close()


def test_a_missing_file_and_a_folder_are_said_clearly(tmp_path):
    with pytest.raises(RecordingError, match="No such file"):
        Tape(tmp_path / "none.rec")
    with pytest.raises(RecordingError, match="cannot be written"):
        TapeWriter(tmp_path / "none" / "a.rec", HEAD)


def test_a_recording_is_never_written_over(sample):
    path, _, data = sample
    with pytest.raises(RecordingError, match="exists already"):
        TapeWriter(path, HEAD)
    assert path.read_bytes() == data


def test_any_record_of_a_long_recording_can_be_read_alone(tmp_path):
    bodies = [bytes([number]) * 900_000 for number in range(12)]
    written(tmp_path / "long.rec", [Answered(number, number, 200, [], body) for number, body in enumerate(bodies)])
    tape = Tape(tmp_path / "long.rec")
    places = {record.number: (frame, place) for frame, place, record in tape.records() if isinstance(record, Answered)}
    for number in (11, 0, 6, 11):
        record = tape.record(*places[number])
        assert isinstance(record, Answered)
        assert record.body == bodies[number]
    tape.close()
