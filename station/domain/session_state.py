"""The states of a session, by name: what the panel shows, the socket tells and `station.run.session` moves between.

They stand here because the panel and the page look at them and must not import the runner's room.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a session is. Voltage is not told here: red and green lamps belong to the guard."""

    WAITING = "waiting"
    SCAN_MISSING = "scan_missing"
    WRONG_SERIAL = "wrong_serial"
    READY = "ready"
    PREPARING = "preparing"
    ENERGISED = "energised"
    PROMPT = "prompt"
    COOLING = "cooling"
    PASS = "PASS"
    FAIL = "FAIL"
    ABORTED = "ABORTED"
    ERROR = "ERROR"
    TRIPPED = "tripped"


STATE_TITLES: dict[State, dict[str, str]] = {
    State.WAITING: {"zh": "等待扫码", "en": "waiting for scans"},
    State.SCAN_MISSING: {"zh": "扫码未完成", "en": "a scan is missing"},
    State.WRONG_SERIAL: {"zh": "序列号不符", "en": "wrong serial number"},
    State.READY: {"zh": "就绪，请按启动", "en": "ready, press START"},
    State.PREPARING: {"zh": "测试中，未带电", "en": "testing, voltage off"},
    State.ENERGISED: {"zh": "测试中，带电", "en": "testing, voltage on"},
    State.PROMPT: {"zh": "请按提示操作", "en": "answer the prompt"},
    State.COOLING: {"zh": "冷却中，当心高温", "en": "cooling, hot"},
    State.PASS: {"zh": "合格", "en": "PASS"},
    State.FAIL: {"zh": "不合格", "en": "FAIL"},
    State.ABORTED: {"zh": "已中止", "en": "aborted"},
    State.ERROR: {"zh": "测试台故障", "en": "station error"},
    State.TRIPPED: {"zh": "联锁跳闸", "en": "tripped"},
}
