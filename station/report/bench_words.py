"""The bench in words for the paper: roles of instruments, interlocks, and why they tripped. No logic but looking up."""

from __future__ import annotations

from collections.abc import Mapping

from station.report.words import Lang, Pair, pick

ROLES: Mapping[str, Pair] = {
    "audio": ("音频接口", "audio interface"),
    "dc": ("直流电压表", "DC voltmeter"),
    "discharge": ("放电检测", "discharge meter"),
    "fan": ("风扇转速", "fan speed"),
    "infrared": ("红外测温", "infrared thermometer"),
    "inrush": ("冲击电流探头", "peak-current probe"),
    "loadbank": ("假负载", "load bank"),
    "mains": ("市电功率计", "mains power meter"),
    "relays": ("继电器板", "relay board"),
    "temperature": ("热电偶模块", "thermocouple module"),
    "tester": ("安规测试仪", "insulation and bond tester"),
    "touch": ("接触电流测试仪", "touch-current tester"),
}
"""Instruments by the role that they have on the bench; a bench may have others."""

INTERLOCKS: Mapping[str, Pair] = {
    "guard": ("安全控制器", "guard"),
    "scan": ("安全扫描", "safety scan"),
    "poller": ("传感器轮询", "sensor polling"),
    "relays": ("继电器", "relays"),
    "mains": ("市电", "mains"),
    "discharge": ("放电", "discharge"),
    "stop": ("停止", "stop"),
    "heatsink": ("散热器温度", "heatsink temperature"),
    "dc-left": ("左声道直流", "DC at the left output"),
    "dc-right": ("右声道直流", "DC at the right output"),
    "mains-power": ("市电功率", "mains power"),
    "inrush": ("开机冲击电流", "inrush current"),
    "fan": ("假负载风扇", "fan of the load bank"),
    "loadbank": ("假负载温度", "load bank temperature"),
}
"""Interlocks by name: those of the station itself and those of the shipped interlocks.toml; a bench may have others."""

CAUSES: Mapping[str, Pair] = {
    "HIGH": ("过高", "too high"),
    "LOW": ("过低", "too low"),
    "MISSING": ("无读数", "no reading"),
    "FAILED": ("读取失败", "reading failed"),
    "INVALID": ("读数无效", "no valid reading"),
    "STALE": ("读数过旧", "reading too old"),
    "BOOT": ("刚上电", "was powered up"),
    "ESTOP": ("急停已按下", "emergency stop pressed"),
    "THERMO": ("过热或烟雾", "too hot, or smoke"),
    "LID": ("防护盖打开", "lid open"),
    "HEARTBEAT": ("心跳中断", "heartbeat missed"),
    "TIME": ("通电时间到限", "energised for too long"),
    "WELD": ("接触器粘连", "contactor welded"),
    "DROPOUT": ("接触器掉电断开", "contactor dropped out"),
    "LINK": ("通电中重新连接", "connected anew while energised"),
    "HOST": ("测试台要求断电", "the station asked for power off"),
    "UNKNOWN": ("原因不明", "unknown cause"),
    "SILENT": ("无应答", "silent"),
    "LOST": ("串口丢失", "port lost"),
    "RESTARTED": ("已重启", "restarted"),
    "UNWANTED": ("未经要求通电", "energised though nobody asked"),
    "LEFT": ("自行断电", "switched off by itself"),
    "OFF_FAILED": ("未能断电", "did not switch off"),
    "LATE": ("超时", "late"),
    "FAULT": ("故障", "fault"),
    "DEAD": ("已停止", "dead"),
    "MISMATCH": ("位置不符", "not where it was put"),
    "TESTER_ON_MAINS": ("安规测试仪与市电同时接通", "tester in circuit with mains on"),
    "NOT_ISOLATED": ("未隔离", "not isolated"),
    "BOUND": ("通电时间到限", "bound on energised time reached"),
    "NOT_PROVEN": ("未证实已放电", "not proven dead"),
    "STOP": ("已按停止", "STOP pressed"),
    "SHUTDOWN": ("测试台停机", "station stopped"),
}
"""Why an interlock tripped, by the first word of the record's cause; what follows is a name (`MISMATCH load_left`)."""

PERSONS = frozenset({("guard", "ESTOP"), ("guard", "LID"), ("stop", "STOP"), ("stop", "SHUTDOWN")})
"""Trips that are a person's act; the record knows no third party to blame."""


def role_title(name: str, lang: Lang) -> str:
    """What an instrument is for; an unknown role by its name."""
    return pick(ROLES.get(name, (name, name)), lang)


def interlock_title(name: str, lang: Lang) -> str:
    """An interlock in words; an unknown one by its name."""
    return pick(INTERLOCKS.get(name, (name, name)), lang)


def trip_cause(cause: str, lang: Lang) -> str:
    """Why it tripped in words; an unknown cause as it stands in the record."""
    code, _, detail = cause.partition(" ")
    pair = CAUSES.get(code)
    if pair is None:
        return cause
    return f"{pick(pair, lang)} ({detail})" if detail else pick(pair, lang)
