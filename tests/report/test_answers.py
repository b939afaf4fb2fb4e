"""A person's answer on paper: OK and NG as the technician gave it, never 1 against at least 1."""

from __future__ import annotations

from typing import Any

from station.report.record_view import cause_sentence, measurement_row


def answered(answer: str) -> dict[str, Any]:
    return {
        "name": "volume_smooth_ok", "channel": None, "value": 1.0 if answer == "OK" else 0.0, "unit": "1", "low": 1.0,
        "high": None, "verdict": "PASS" if answer == "OK" else "FAIL", "conditions": {"asked": "?", "answer": answer},
    }  # fmt: skip


def test_a_row_shows_the_answer_and_no_bar() -> None:
    row = measurement_row(answered("OK"), "zh")
    assert (row.title, row.value, row.limits, row.number) == ("音量调节平滑", "OK", "OK", None)


def test_an_ng_is_a_sentence_in_both_languages() -> None:
    record = {"steps": [{"id": "acceptance", "measurements": [answered("NG")]}]}
    cause = {"step": "acceptance", "measurement": "volume_smooth_ok", "channel": None, "text": ""}
    assert cause_sentence(record, cause, "zh") == "音量调节平滑：检验员答 NG"
    assert cause_sentence(record, cause, "en") == "Volume smooth: answered with NG"
