"""What kernel and run say in English, in Chinese for the technician: RESET refused, lid held, no run begun.

The rooms below speak one language, because their words also go into logs and records. What is not in the table
stays as it is behind the Chinese frame: an error of a driver names its device and remedy in English.
"""

from __future__ import annotations

import re

from station.domain.trip_words import CAUSES, INTERLOCKS

_LOOPS = {"estop": "急停", "lid": "防护盖", "thermo": "温控或烟雾"}
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), chinese)
    for pattern, chinese in (
        (r"guard input (\w+) is not healthy", "{0}回路未恢复"),
        (r"the guard does not say that it is off: (.+)", "安全控制器未报告断电（{0}）"),
        (r"the guard does not say that it is off", "安全控制器未报告断电"),
        (r"24 V of the loops is missing: [^;]+", "三个回路同时断开：回路的 24 V 电源缺失，请检查 24 V 电源"),
        (
            r"the guard has not said what it is [^;]+",
            "安全控制器未报告自身参数（HELLO guard/1）：请检查其 USB 线和固件",
        ),
        (
            r"the guard's heartbeat limit is (\d+) ms, at most (\d+) ms will do: [^;]+",
            "安全控制器的心跳时限为 {0} ms，最多允许 {1} ms：须由维护员按约定参数重新刷写固件",
        ),
        (
            r"the guard's bleed time is (\d+) s, at least (\d+) s will do: [^;]+",
            "安全控制器的放电时间为 {0} s，至少须为 {1} s：须由维护员按约定参数重新刷写固件",
        ),
        (r"the guard is not SAFE", "安全控制器未进入安全状态"),
        (r"the earlier runs of work order (\S+) are still being looked up", "正在查询工单 {0} 的历史测试"),
        (r"the contactor's feedback is closed", "接触器触点仍闭合，可能带电"),
        (
            r"service latch: (.+?); a maintainer clears it(?: \([^)]*\))?",
            "维修锁定（service latch），须由维护员解除：{0}",
        ),
        (r"the poller of (\S+) is dead", "{0} 的监测已停止"),
        (r"relay (\S+) is not where it was put", "继电器 {0} 不在应在的位置"),
        (r"(\w+\.\w+) is (\w+)", "{0} {1}"),
        (r"interlock (\S+): \S+ is (\w+)((?: \(.+\))?)", "联锁 {0}：{1}{2}"),
        (r"tripped again: (\S+), (\S+?)(?: .*)?", "再次跳闸：{0}，{1}"),
        (r"no run is begun: (.+)", "未开始测试：{0}"),
        (r"the lid stays locked: (.+)", "盖仍锁着：{0}"),
        (r"mains and test voltage are not shown to be off", "未证明市电和试验电压已断开"),
        (r"the run broke: (.+)", "测试程序出错：{0}"),
    )
)
_WHOLE = ("no run is begun: ", "the lid stays locked: ", "the run broke: ")


def in_chinese(text: str) -> str:
    """One reason, or several behind `; `, in Chinese as far as the table goes."""
    whole = _translated(text)
    if whole is not None and (text.startswith(_WHOLE) or "service latch" in text):
        return whole
    return "；".join(_translated(part) or part for part in _parts(text))


def in_both(text: str) -> dict[str, str]:
    """`text` by language."""
    return {"zh": in_chinese(text), "en": text}


def _parts(text: str) -> list[str]:
    """Reasons one by one; the semicolon inside the latch's own words does not part them."""
    return re.split(r"; (?!a maintainer clears it)", text)


def _translated(text: str) -> str | None:
    for pattern, chinese in _PATTERNS:
        found = pattern.fullmatch(text)
        if found is not None:
            return chinese.format(*(_word(part or "", text) for part in found.groups()))
    return None


def _word(part: str, text: str) -> str:
    if text.startswith(_WHOLE):
        return in_chinese(part)
    if part in _LOOPS:
        return _LOOPS[part]
    pair = INTERLOCKS.get(part) or CAUSES.get(part.upper())
    return pair[0] if pair else part
