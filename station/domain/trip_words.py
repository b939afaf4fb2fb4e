"""Trips in words, one table for panel, page and paper: which interlock, and why it tripped. A bench may have others."""

from __future__ import annotations

from collections.abc import Mapping

Pair = tuple[str, str]
"""Chinese, English."""

INTERLOCKS: Mapping[str, Pair] = {
    "guard": ("安全控制器", "guard"),
    "scan": ("安全扫描", "safety scan"),
    "poller": ("传感器轮询", "sensor polling"),
    "relays": ("继电器", "relays"),
    "mains": ("市电", "mains"),
    "discharge": ("放电", "discharge"),
    "stop": ("停止", "stop"),
    "power": ("电源", "power"),
    "heatsink": ("散热器温度", "heatsink temperature"),
    "dc-left": ("左声道直流", "DC at the left output"),
    "dc-right": ("右声道直流", "DC at the right output"),
    "mains-power": ("市电功率", "mains power"),
    "mains-power-appliance": ("家电市电功率", "mains power of an appliance"),
    "mains-feed": ("市电电压", "mains voltage"),
    "plug-volts": ("放电电压表", "discharge voltmeter"),
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
    "RETURN": ("上次测试被中断", "the last run was cut off"),
    "SHUTDOWN": ("测试台停机", "station stopped"),
}
"""Why an interlock tripped, by the first word of the record's cause; what follows is a name (`MISMATCH load_left`)."""

REMEDIES: Mapping[tuple[str, str], Pair] = {
    ("guard", "BOOT"): ("请按复位", "press RESET"),
    ("guard", "ESTOP"): ("松开后按复位", "release it, then RESET"),
    ("guard", "THERMO"): ("查明后复位", "find the cause, then RESET"),
    ("guard", "LID"): ("关好后复位", "close it, then RESET"),
    ("guard", "WELD"): ("必须维修", "service it before anything else"),
    ("guard", "SILENT"): ("检查连线和指示灯", "check its cable and its lamp"),
    ("guard", "LOST"): ("检查连线", "check its cable"),
    ("power", "RETURN"): ("请按复位", "press RESET"),
    ("scan", "LATE"): ("处理器过忙", "the processor is too busy"),
}
"""What a technician does about it, where there is more to say than to look the code up."""


def trip_words(interlock: str, cause: str) -> Pair:
    """`interlock` and `cause` (as in a record) as one line; what is not in the tables stands by its name."""
    zh, en = INTERLOCKS.get(interlock, (interlock, interlock))
    code, _, detail = cause.partition(" ")
    why_zh, why_en = CAUSES.get(code, (cause, cause))
    if detail and code in CAUSES:
        why_zh, why_en = f"{why_zh} ({detail})", f"{why_en} ({detail})"
    remedy = REMEDIES.get((interlock, code))
    more_zh, more_en = (f"；{remedy[0]}", f"; {remedy[1]}") if remedy else ("", "")
    return f"{zh}：{why_zh}{more_zh}", f"{en}: {why_en}{more_en}"
