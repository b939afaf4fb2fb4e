"""What the technician does next, in one sentence: from the session's state, what is missing, what is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from station.page.advice import Advice, Pair, both

_SCAN: Mapping[str, Pair] = {
    "operator": ("请扫描您的工牌", "scan your badge"),
    "work_order": ("请扫描工单条码", "scan the work order"),
    "serial_number": ("请扫描机器上的序列号", "scan the serial number on the device"),
    "imei": ("请扫描手机 IMEI（*#06#）", "scan the phone's IMEI (dial *#06#)"),
    "product": ("请扫描产品条码", "scan the product code"),
    "plan": ("请扫描测试方案条码", "scan the plan"),
}
_BADGE: Pair = ("请扫描工牌签字；不同意按 NG", "scan your badge to sign; press NG to decline")
_ANSWER: Pair = ("看清提示，按面板上的 OK 或 NG", "read it, then press OK or NG on the panel")
_OFF: Pair = ("测试正在进行，手离开机器", "the test is running: hands off the device")
_LIVE: Pair = ("机器带电，不要碰！", "the device is live: do not touch!")
_UNKNOWN: Pair = ("看面板上的灯", "look at the lamps of the panel")
_LOOK: Pair = ("看屏幕和面板上的灯", "look at the screen and the lamps")
_RETURN: Pair = ("检查测试台和机器，然后按复位", "check bench and device, then press RESET")


def next_step(session: Mapping[str, Any], advice: Advice) -> dict[str, str]:
    """By language. A state that nobody knows sends the technician to the lamps."""
    state = str(session.get("state"))
    if state in ("waiting", "scan_missing"):
        missing = [name for name in session.get("missing") or () if name in _SCAN]
        if not missing and session.get("lacking"):
            return dict(session["lacking"]["text"])
        return both(_SCAN[missing[0]] if missing else advice.do.get(state, _UNKNOWN))
    if state == "prompt":
        return both(_BADGE if (session.get("asks") or {}).get("kind") == "badge" else _ANSWER)
    if state == "preparing":
        return both(_OFF)
    if state == "energised":
        return both(_LIVE)
    if state == "tripped":
        trip = advice.trip(str((session.get("trip") or {}).get("code")))
        return both(trip.do if trip is not None else _RETURN)
    return both(advice.do.get(state, _UNKNOWN if not advice.do else _LOOK))
