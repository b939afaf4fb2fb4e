"""What the connection check suspects, in the words of record and technician: which lead, on which side, what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from station.domain.measurement import Channel

Fault = Literal["swapped", "load-short", "load-open", "speaker-short", "capture-open", "source-open", "silent", "quiet"]
Words = Mapping[str, str]

SIDE: Mapping[Channel, tuple[str, str]] = {"left": ("左", "left"), "right": ("右", "right")}
ASKED: Mapping[Fault, tuple[str, str]] = {
    "swapped": (
        "左右声道接反，请检查左右输入线和音箱线",
        "left and right are exchanged: check source and speaker leads of both",
    ),
    "load-short": ("{zh}声道负载短路，请检查负载接线", "the {en} load is shorted: check the leads of the load bank"),
    "load-open": ("{zh}声道负载未接，请检查负载接线", "the {en} load is missing: check the leads of the load bank"),
    "speaker-short": ("{zh}音箱线短路，请检查该线两端", "the {en} speaker lead is shorted: check both its ends"),
    "capture-open": (
        "{zh}声道有输出但测不到，请检查{zh}测量线",
        "{en} plays into its load and is not heard: check its measuring lead",
    ),
    "source-open": (
        "{zh}输入端有哼声，请检查{zh}输入线是否接好",
        "the {en} input hums: check that its source lead is in",
    ),
    "silent": ("{zh}声道无声，请检查{leads_zh}", "{en} is silent: check its {leads_en}"),
    "quiet": ("{zh}声道音量过低，请检查{leads_zh}", "{en} is far too quiet: check its {leads_en}"),
}
BOTH_LEADS = ("{zh}输入线和音箱线", "source lead and speaker lead")
SOURCE_LEAD = ("{zh}输入线", "source lead")
END = ("改好并关好盖子后按 OK；接线无误按 NG", "OK once it is put right and the lid is shut; NG if the leads are right")


@dataclass(frozen=True, slots=True)
class Suspect:
    """One thing that looks wrong. `seen`: by what. `speaker_proven`: DC at the terminals shows the speaker lead."""

    fault: Fault
    channel: Channel | None
    seen: str
    speaker_proven: bool = False

    @property
    def id(self) -> str:
        """For machines: `silent:left`."""
        return self.fault if self.channel is None else f"{self.fault}:{self.channel}"

    @property
    def asked(self) -> tuple[str, str]:
        """What the technician is asked to look at, in both languages."""
        zh, en = SIDE[self.channel] if self.channel else ("", "")
        leads_zh, leads_en = SOURCE_LEAD if self.speaker_proven else BOTH_LEADS
        text_zh, text_en = ASKED[self.fault]
        return (
            text_zh.format(zh=zh, leads_zh=leads_zh.format(zh=zh)),
            text_en.format(en=en, leads_en=leads_en),
        )


def question(suspects: Sequence[Suspect]) -> Words:
    """One prompt for all of them."""
    zh = "；".join(suspect.asked[0] for suspect in suspects)
    en = "; ".join(suspect.asked[1] for suspect in suspects)
    return {"zh": f"接线检查：{zh}。{END[0]}", "en": f"Connection check: {en}. {END[1]}"}
