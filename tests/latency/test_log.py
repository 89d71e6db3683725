"""Logs: what is written is read, what is cut says so, what is wrong names its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import LogError
from engine.latency.instants import KINDS, Instant
from engine.latency.log import FLUSH_NS, LogHeader, LogWriter, SessionLog, in_order, instant_line, read_log

HEADER = LogHeader(
    session="s0001",
    started_ns=12,
    clock="virtual",
    model="local",
    settings={"model": {"audio": None}},
    seed=3,
    scenario="support_call",
    intended_start_ns=10,
    input_format={"type": "audio/pcm", "rate": 24000},
)
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(max_size=20), st.floats(-1e6, 1e6))
NAMES = st.text("abcdefghijlmnopqrs_", min_size=2, max_size=12)
INSTANTS = st.lists(
    st.builds(
        Instant,
        st.integers(0, 10**12),
        st.sampled_from(sorted(KINDS)) | st.text(max_size=10),
        st.dictionaries(NAMES, VALUES | st.dictionaries(NAMES, VALUES, max_size=2), max_size=4),
    ),
    max_size=20,
)


def write(path: Path, *instants: Instant, header: LogHeader = HEADER) -> Path:
    writer = LogWriter(path, header)
    for instant in instants:
        writer.write(instant)
    writer.close()
    writer.close()
    return path


def end(t: int = 10**12) -> Instant:
    return Instant(t, "session.end", {"reason": "closed"})


@given(instants=INSTANTS)
def test_what_is_written_is_read_and_the_bytes_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, instants: list[Instant]
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    path = write(folder / "s.jsonl", *instants, end())
    assert read_log(path) == SessionLog(HEADER, in_order([*instants, end()]))
    assert write(folder / "again.jsonl", *instants, end()).read_bytes() == path.read_bytes()


@given(instants=INSTANTS, cut=st.integers(1, 100))
def test_a_log_cut_anywhere_after_its_header_is_partial_and_a_beginning_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, instants: list[Instant], cut: int
) -> None:
    before = [instant for instant in instants if instant.kind != "session.end"]
    path = write(tmp_path_factory.mktemp("logs") / "s.jsonl", *before, end())
    whole = path.read_bytes()
    kept = whole[:-cut]
    lines = kept.splitlines(keepends=True)
    if len(lines) < 1 or not lines[0].endswith(b"\n"):
        return
    path.write_bytes(kept)
    log = read_log(path)
    assert (log.partial is None) == (cut == 1), "without its newline the last line is still whole"
    assert len(log.instants) in (len(lines) - 1, len(lines) - 2)


def test_a_log_without_an_end_says_so(tmp_path: Path) -> None:
    log = read_log(write(tmp_path / "s.jsonl", Instant(5, "user.committed", {"item": "a"})))
    assert log.partial == "it has no end: the session was still going on, or was killed"
    assert len(log.instants) == 1


def test_a_cut_line_says_so_and_is_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", Instant(5, "user.committed", {"item": "a"}), end())
    path.write_bytes(path.read_bytes()[:-9])
    log = read_log(path)
    assert log.partial == "its last line (3) is cut short"
    assert [instant.kind for instant in log.instants] == ["user.committed"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"garbage", "it is no JSON: b'garbage'"),
        (b"[1]", "it is no JSON object: b'[1]'"),
        (b'{"k": "error"}', "'t' is None: expected a whole number of nanoseconds"),
        (b'{"t": true, "k": "error"}', "'t' is True: expected a whole number of nanoseconds"),
        (b'{"t": 1.5, "k": "error"}', "'t' is 1.5: expected a whole number of nanoseconds"),
        (b'{"t": 1}', "'k' is None: expected a kind, which is a text"),
        (b"\xff\xfe", "it is no JSON: b'\\xff\\xfe'"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: bytes, said: str) -> None:
    path = write(tmp_path / "s.jsonl")
    path.write_bytes(path.read_bytes() + line + b"\n" + instant_line(end()))
    with pytest.raises(LogError) as caught:
        read_log(path)
    assert (caught.value.path, caught.value.line, caught.value.reason) == (str(path), 2, said)
    assert str(caught.value) == f"{path}, line 2: {said}"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"", "it is no JSON: b''"),
        (b'{"type": "session.created"}', "it is not the first line of a log: it has no 'engine_log'"),
        (b'{"engine_log": 3}', "the log is of version 3; this engine reads versions 1 and 2"),
        (b'{"engine_log": 1, "started_ns": 0, "clock": "real"}', "'session' is missing"),
        (b'{"engine_log": 1, "session": 5}', "'session' is 5: expected a text"),
        (b'{"engine_log": 1, "session": "s", "started_ns": "x"}', "'started_ns' is 'x': expected a whole number"),
    ],
)
def test_what_is_no_log_or_one_of_another_version_is_refused(tmp_path: Path, line: bytes, said: str) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes(line and line + b"\n")
    with pytest.raises(LogError) as caught:
        read_log(path)
    assert (caught.value.line, caught.value.reason) == (1, said)


def test_what_has_happened_is_in_the_file_a_second_later(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    writer = LogWriter(path, HEADER)
    assert read_log(path).instants == ()
    writer.write(Instant(5, "user.text.sent"))
    writer.advance(FLUSH_NS - 1)
    assert read_log(path).instants == ()
    writer.advance(FLUSH_NS)
    assert read_log(path).instants == (Instant(5, "user.text.sent"),)
    writer.write(Instant(2 * FLUSH_NS, "user.text.sent"))
    assert len(read_log(path).instants) == 2
    writer.close()


def test_instants_are_read_in_the_order_of_time_and_the_lines_own_come_first(tmp_path: Path) -> None:
    told = [
        Instant(5, "server.speech_started", {"item": "a"}),
        Instant(3, "user.audio.sent", {"item": "a"}),
        Instant(5, "user.speech.start.truth", {"turn": 0}),
    ]
    assert [instant.kind for instant in read_log(write(tmp_path / "s.jsonl", *told, end())).instants] == [
        "user.audio.sent",
        "user.speech.start.truth",
        "server.speech_started",
        "session.end",
    ]


def test_a_new_log_may_refuse_to_replace_another(tmp_path: Path) -> None:
    write(tmp_path / "s.jsonl")
    with pytest.raises(FileExistsError):
        LogWriter(tmp_path / "s.jsonl", HEADER, exclusive=True)


def test_a_log_on_a_full_disk_is_not_begun() -> None:
    with pytest.raises(OSError, match="No space left"):
        LogWriter("/dev/full", HEADER)


def test_a_disk_that_fills_up_ends_the_log_and_nothing_else(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path / "s.jsonl", HEADER)
    writer._file.close()
    writer._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115 - the writer closes it
    writer.write(Instant(2 * FLUSH_NS, "user.text.sent"))
    assert writer.failed is not None
    writer.write(Instant(4 * FLUSH_NS, "user.text.sent"))
    writer.close()


def test_version_1_is_read_with_the_names_of_today(tmp_path: Path) -> None:
    path = tmp_path / "old.jsonl"
    path.write_bytes(
        b'{"engine_log":1,"session":"s","started_ns":0,"clock":"virtual"}\n'
        b'{"t":1,"k":"response.requested","token":"q","beside":true}\n'
        b'{"t":2,"k":"engine.share","mailbox_wait_us":{}}\n'
        b'{"t":3,"k":"session.end","reason":"closed"}\n'
    )
    requested, overhead, _ = read_log(path).instants
    assert requested == Instant(1, "response.requested", {"token": "q", "out_of_band": True})
    assert overhead == Instant(2, "engine.overhead", {"mailbox_wait_us": {}})
