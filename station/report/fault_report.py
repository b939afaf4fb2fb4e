"""The fault report (故障检测报告) of an incoming run: findings with what speaks for them. Pure; knows no HTML."""

from __future__ import annotations

from dataclasses import dataclass

from station.report.record_view import (
    MeasurementRow,
    Plain,
    ReportError,
    cause_sentences,
    measurement_row,
)
from station.report.words import Lang, area_title, channel_title, label, measurement_title


@dataclass(frozen=True, slots=True)
class FindingCard:
    """One finding; `weight` 0 … 1. `silent`: references that the record does not hold, in words."""

    rank: int
    area: str
    area_id: str
    text: str
    parts: str
    weight: float
    rows: tuple[MeasurementRow, ...]
    silent: tuple[str, ...]


def require_incoming(record: Plain) -> None:
    """Raises `ReportError` for a run that looked for no fault."""
    if record["purpose"] != "incoming":
        raise ReportError(
            f"run {record['run_no']} is {record['purpose']}: a fault report is for incoming runs; ask for a report"
        )


def finding_cards(record: Plain, lang: Lang) -> list[FindingCard]:
    """Every finding, strongest first, with the measurements that speak for it."""
    return [_card(rank, finding, record, lang) for rank, finding in enumerate(record.get("findings") or (), start=1)]


def _card(rank: int, finding: Plain, record: Plain, lang: Lang) -> FindingCard:
    rows: list[MeasurementRow] = []
    silent: list[str] = []
    for reference in finding.get("because") or ():
        m = measurement_of(record, str(reference))
        if m is None:
            silent.append(reference_title(str(reference), lang))
        else:
            rows.append(measurement_row(m, lang))
    area = str(finding.get("area") or "")
    weight = finding.get("weight")
    return FindingCard(
        rank, area_title(area, lang), area, _in(finding.get("text"), lang), _in(finding.get("parts"), lang),
        min(1.0, max(0.0, weight)) if isinstance(weight, int | float) else 0.0, tuple(rows), tuple(silent),
    )  # fmt: skip


def fault_headline(record: Plain, lang: Lang) -> str:
    """What was found in one sentence."""
    areas = [str(finding.get("area") or "") for finding in record.get("findings") or ()]
    different = list(dict.fromkeys(areas))
    if len(different) > 1:
        return label("found_areas", lang, count=len(different), area=area_title(different[0], lang))
    if different:
        return label("found_area", lang, area=area_title(different[0], lang))
    if record["verdict"] == "PASS":
        return label("found_nothing", lang)
    causes = cause_sentences(record, lang)
    return label("found_no_area", lang, cause=causes[0] if causes else label("no_cause", lang))


def measurement_of(record: Plain, reference: str) -> Plain | None:
    """What `step/name`, `step/name/channel`, `name` or `name.channel` stands for; None where it is not there."""
    step_id, name, channel = split_reference(reference)
    for step in record["steps"]:
        if step_id and step["id"] != step_id:
            continue
        for m in step.get("measurements") or ():
            if m["name"] == name and (not channel or m.get("channel") == channel):
                return dict(m)
    return None


def split_reference(reference: str) -> tuple[str, str, str]:
    """Step (or ""), name and channel (or "") of a reference."""
    parts = reference.split("/")
    if len(parts) >= 2:
        return parts[0], parts[1], parts[2] if len(parts) > 2 else ""
    name, _, channel = reference.partition(".")
    return "", name, channel


def reference_title(reference: str, lang: Lang) -> str:
    """A reference in words: `thd/thd_percent/left` as `THD left`."""
    _, name, channel = split_reference(reference)
    return f"{measurement_title(name, lang)} {channel_title(channel, lang)}".strip()


def _in(text: object, lang: Lang) -> str:
    if not isinstance(text, dict):
        return ""
    return str(text.get(lang) or text.get("en") or "")
