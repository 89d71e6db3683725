"""A conversation by hand, whose every number is known: greeting, question with a tool, interruption, silence."""

from __future__ import annotations

from engine.latency.log import LogHeader
from engine.latency.turns import HandoffInstant, Interruption, ToolSpan, TurnRecord

MS = 1_000_000
HEADER = LogHeader(session="s0001", clock="real", wall="2026-11-23T12:00:00.500Z", model="local", engine="0.1.0")

GREETING = TurnRecord(
    session="s0001", index=0, opened_by="call", began=10 * MS, over=1000 * MS,
    response_created=10 * MS, first_token=50 * MS, audio_first_received=50 * MS, audio_first_taken=51 * MS,
    playout_start=60 * MS, playout_audible=80 * MS, playout_stop=960 * MS, playout_source="measured",
    played_ms=900.0, underruns=0, audio_jitter_ms=1.5, response_done=200 * MS, responses=("r0",), agents=("desk",),
    status="completed",
)  # fmt: skip
QUESTION = TurnRecord(
    session="s0001", index=1, opened_by="speech", began=2000 * MS, over=9000 * MS, truth_turn=1, purpose="turn",
    user_text='Where is "my" order, please?',
    user_speech_start_truth=2000 * MS, user_speech_start_truth_ms=2000.0,
    user_speech_end_truth=3500 * MS, user_speech_end_truth_ms=3500.0,
    user_audio_first_sent=2001 * MS, user_audio_last_sent=4010 * MS,
    speech_started=2200 * MS, speech_started_ms=1980, speech_stopped=4050 * MS, speech_stopped_ms=4000,
    committed=4052 * MS, transcript_final=4150 * MS, response_created=4060 * MS, first_token=4900 * MS,
    audio_first_received=4901 * MS, audio_first_taken=4902 * MS, audio_first_audible=4903 * MS,
    playout_start=4920 * MS, playout_audible=4960 * MS, playout_stop=6920 * MS, playout_source="measured",
    played_ms=2000.0, underruns=1, audio_jitter_ms=2.5, response_done=5200 * MS, responses=("r1", "r2"),
    agents=("desk", "orders"), status="cancelled",
    tools=(
        ToolSpan(call_id="c1", name="find_order", called=4100 * MS, started=4101 * MS, ended=4400 * MS,
                 output_sent=4401 * MS, outcome="done"),
        ToolSpan(call_id="c2", name="log_it", called=4110 * MS, approval_asked=4111 * MS,
                 approval_answered=4200 * MS, started=4201 * MS, ended=4500 * MS, output_sent=4501 * MS,
                 outcome="done"),
    ),
    handoffs=(HandoffInstant(at=4450 * MS, from_agent="desk", to_agent="orders"),),
    interruption=Interruption(cause="user", onset_truth=6500 * MS, onset_heard=6850 * MS, emitted=6851 * MS,
                              taken=6852 * MS, truncate_sent=6853 * MS, stopped=6920 * MS, heard_ms=1930),
    barge_in_truth=6500 * MS, barge_in_heard=6850 * MS, barge_in_purpose="barge_in", false_takeover=False,
    errors=("rate_limit", "late"),
    usage={"total_tokens": 120, "input_tokens": 80, "output_tokens": 40,
           "input_token_details": {"audio_tokens": 60}, "output_token_details": {"audio_tokens": 30}},
)  # fmt: skip
UNANSWERED = TurnRecord(
    session="s0001", index=2, opened_by="speech", began=6500 * MS, over=12000 * MS, truth_turn=2, purpose="barge_in",
    user_speech_start_truth=6500 * MS, user_speech_end_truth=7000 * MS, complete=False, false_takeover=False,
)  # fmt: skip
EARLY = TurnRecord(
    session="s0001", index=3, opened_by="speech", began=13_000 * MS, over=16_000 * MS, truth_turn=3, purpose="turn",
    user_speech_start_truth=13_000 * MS, user_speech_end_truth=14_000 * MS, response_created=13_700 * MS,
    first_token=13_750 * MS, audio_first_received=13_750 * MS, playout_start=13_800 * MS,
    playout_audible=13_850 * MS, playout_stop=15_000 * MS, playout_source="measured", response_done=14_000 * MS,
    responses=("r3",), status="completed", false_takeover=True,
)  # fmt: skip
TURNS = (GREETING, QUESTION, UNANSWERED, EARLY)
