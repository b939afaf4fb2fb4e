"""What a trip says to a technician, by interlock and cause, in both languages; interlocks.toml brings its own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from station.domain.interlock import Interlock, Trip

TEXTS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("guard", "BOOT"): ("安全控制器已上电，请按复位", "the guard was powered up: press RESET"),
    ("guard", "ESTOP"): ("急停已按下；松开后按复位", "the emergency stop is pressed: release it, then RESET"),
    ("guard", "THERMO"): ("负载过热或烟雾报警；查明后复位", "load bank too hot, or smoke: find the cause, then RESET"),
    ("guard", "LID"): ("防护盖打开；关好后复位", "the lid is open: close it, then RESET"),
    ("guard", "HEARTBEAT"): ("控制器心跳中断", "the guard missed the station's heartbeat"),
    ("guard", "TIME"): ("通电时间到限", "the bound on energised time was reached"),
    ("guard", "WELD"): ("接触器粘连，必须维修", "the contactor is welded: service it before anything else"),
    ("guard", "DROPOUT"): ("接触器掉电断开", "the contactor dropped out"),
    ("guard", "LINK"): ("通电中重新连接", "the station connected anew while energised"),
    ("guard", "HOST"): ("测试台要求断电", "the station asked for power off"),
    ("guard", "SILENT"): ("安全控制器无应答", "the guard is silent: check its cable and its lamp"),
    ("guard", "LOST"): ("安全控制器串口丢失", "the guard's port is lost: check its cable"),
    ("guard", "RESTARTED"): ("安全控制器重启", "the guard has restarted"),
    ("scan", "LATE"): ("安全扫描超时", "a safety scan was late: the processor is too busy"),
    ("stop", "STOP"): ("已按停止", "STOP was pressed"),
    ("stop", "SHUTDOWN"): ("测试台正在停机", "the station is being stopped"),
}  # fmt: skip


def trip_text(trip: Trip, interlocks: Sequence[Interlock]) -> dict[str, str]:
    """Words for `trip`: its interlock's own, the table's, else its name and cause."""
    for row in interlocks:
        if row.name == trip.interlock and row.text:
            return dict(row.text)
    zh, en = TEXTS.get(
        (trip.interlock, trip.cause), (f"{trip.interlock}：{trip.cause}", f"{trip.interlock}: {trip.cause}")
    )
    return {"zh": zh, "en": en}
