"""What a technician does about a lamp, in Chinese and English: by the session's state, by trip code, by beep.

Only words; which lamp shows what stands in `station.panel.patterns`, which number a trip blinks in
`station.safety.lamp_codes`. `station.run.lamp_page` prints both together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from station.domain.session_state import State
from station.domain.trip_words import Pair

Who = Literal["you", "once", "maintainer"]


class Advice(NamedTuple):
    """What it means and what to do, each Chinese first, and who may clear it."""

    means: Pair
    do: Pair
    who: Who


WHO: Mapping[Who, Pair] = {
    "you": ("技术员", "you"),
    "once": ("限一次", "you, once"),
    "maintainer": ("**维护员**", "**maintainer**"),
}

_AGAIN: Pair = ("复位后重测。", "RESET, test again.")
_LOCK: Pair = ("按急停，断开总开关并上锁，挂牌。", "Emergency stop, main switch off and locked, hang up the sign.")

CODES: Mapping[str, Advice] = {
    "P01": Advice(
        ("有人按了停止", "Somebody pressed STOP"), ("处理好原因，复位。", "Put the reason right, RESET."), "you"
    ),
    "P02": Advice(
        ("测试台程序被关闭", "The station's program was stopped"), ("重新启动后复位。", "Start it, RESET."), "you"
    ),
    "G02": Advice(
        ("急停被按下，或其接线断开", "Emergency stop pressed, or its wire broken"),
        (
            "弄清为何按下，旋转拔出后复位；没人按过（可能缺回路 24 V 电源）则叫维护员。",
            "Find out why; pull it out, RESET. Not pressed (24 V missing?): maintainer.",
        ),
        "you",
    ),
    "G04": Advice(
        ("带电或准备通电时防护盖被打开", "Lid opened while something was on or about to be"),
        ("盖好后复位；没人开过则叫维护员。", "Close it, RESET. Nobody opened it? Maintainer."),
        "you",
    ),
    "POWER": Advice(
        ("上次测试被停电或故障中断", "The last run was cut off (power cut, crash)"),
        ("查看被测机和测试台，复位，从头重测。", "Look at device and bench, RESET, test from the start."),
        "you",
    ),
    "G03": Advice(
        ("假负载过热或有烟", "Load bank too hot, or smoke"),
        (
            "有烟有味不要开盖，断总开关。查明原因并冷却后复位。",
            "Smoke: lid stays shut, main switch off. Else let it cool, find out why, RESET.",
        ),
        "once",
    ),
    "G06": Advice(("超过通电时限（安全控制器）", "On for too long (guard's limit)"), _AGAIN, "once"),
    "G07": Advice(
        ("**接触器粘连**：已断开命令，触点仍闭合", "**Contactor welded**: told off, contacts still closed"),
        ("红灯不灭，可能带电！" + _LOCK[0], "Red stays lit: it may be live! " + _LOCK[1]),
        "maintainer",
    ),
    "G08": Advice(("接触器在通电中自行断开", "Contactor dropped out while on"), _AGAIN, "once"),
    "G15": Advice(("没人要求却带电", "Voltage on though nobody asked for it"), _LOCK, "maintainer"),
    "G16": Advice(("安全控制器自行断电，未说明原因", "Guard switched off by itself, without a reason"), _AGAIN, "once"),
    "G17": Advice(("命令断电后未见断电", "Did not switch off when told to"), _LOCK, "maintainer"),
    "K08": Advice(("超过通电时限（测试台）", "On for too long (station's limit)"), _AGAIN, "once"),
    "K09": Advice(
        ("未能证明插头已放电", "The plug was not proven dead"),
        (
            "插头和机器可能带电荷，不要碰，不要撬盖。",
            "Plug and device may be charged: do not touch, do not force the lid.",
        ),
        "maintainer",
    ),
    "G01": Advice(
        ("安全控制器刚上电（开机时正常）", "Guard was powered up (normal at switch-on)"), ("复位。", "RESET."), "you"
    ),
    "G05": Advice(("安全控制器 0.3 秒未收到心跳", "Guard heard nothing of the station for 0.3 s"), _AGAIN, "once"),
    "G09": Advice(("通电中程序重新连接", "Station connected anew while on"), _AGAIN, "once"),
    "G10": Advice(("测试台要求安全控制器断电", "Station told the guard to switch off"), _AGAIN, "once"),
    "G11": Advice(
        ("安全控制器报出未知原因", "Guard gives a cause that is not known here"),
        ("记下编号。", "Note the number."),
        "maintainer",
    ),
    "G12": Advice(
        ("安全控制器无应答", "Guard is silent"), ("检查其 USB 线，复位。", "Check its USB lead, RESET."), "once"
    ),
    "G13": Advice(
        ("与安全控制器的连接断开", "Connection to the guard is gone"),
        ("检查其 USB 线，复位。", "Check its USB lead, RESET."),
        "once",
    ),
    "G14": Advice(
        ("安全控制器自行重启", "Guard restarted by itself"),
        ("检查其电源和 USB 线，复位。", "Check its supply and USB lead, RESET."),
        "once",
    ),
    "K01": Advice(("测试台电脑一时过忙", "The station's computer was too slow for a moment"), _AGAIN, "once"),
    "K02": Advice(("安全程序出错", "The safety program broke"), ("记下时间。", "Note the time."), "maintainer"),
    "K03": Advice(("某个监测任务停止", "A monitoring task has ended"), _AGAIN, "once"),
    "K04": Advice(
        ("有继电器不在应在的位置", "A relay is not where it was put"),
        ("复位会再试一次。", "RESET tries it once more."),
        "once",
    ),
    "K05": Advice(
        ("2 秒内读不到继电器位置", "Relays could not be read for 2 s"),
        ("检查继电器板接线，复位。", "Check the relay board's lead, RESET."),
        "once",
    ),
    "K06": Advice(("通市电时安规测试仪已接入", "Tester in circuit with mains on"), _LOCK, "maintainer"),
    "K07": Advice(("加试验电压时未隔离", "Not isolated under test voltage"), _LOCK, "maintainer"),
    "K00": Advice(
        ("表中没有的跳闸", "A trip that no table knows"), ("记下屏幕文字。", "Note what the screen says."), "maintainer"
    ),
}
"""By code, those of `station.safety.lamp_codes.CODES` and `OTHER`."""

_REPAIR: Pair = ("小心烫手。复位；机器不合格，退回维修。", "It may be hot. RESET; the device failed: back to repair.")
_TRIMMER: Pair = (
    "小心烫手。先把该声道微调电阻调到最小，复位，再从头调整；仍跳闸则退回维修。",
    "It may be hot. Turn that trimmer to its minimum, RESET, adjust again; it trips again: back to repair.",
)
INTERLOCKS: Mapping[str, tuple[Pair, Who]] = {
    "DUT-HEATSINK-HOT": (_REPAIR, "you"),
    "DUT-DC-LEFT": (_REPAIR, "you"),
    "DUT-DC-RIGHT": (_REPAIR, "you"),
    "DUT-MAINS-POWER": (_REPAIR, "you"),
    "DUT-APPLIANCE-POWER": (_REPAIR, "you"),
    "DUT-INRUSH": (_REPAIR, "you"),
    "DUT-BIAS-LEFT": (_TRIMMER, "you"),
    "DUT-BIAS-RIGHT": (_TRIMMER, "you"),
    "STATION-FAN": (("看风扇是否被挡住，复位。", "See whether something blocks it, RESET."), "once"),
    "STATION-LOADBANK-HOT": (("等它冷却，复位。", "Let it cool, RESET."), "once"),
    "STATION-PLUG-VOLTS": (
        ("不要碰插头：放电无法证明。", "Keep off the plug: its discharge cannot be proven."),
        "maintainer",
    ),
}
"""What to do about the shipped interlocks, by code; a bench may have others."""
OTHER_INTERLOCK: Mapping[str, tuple[Pair, Who]] = {
    "dut": (_REPAIR, "you"),
    "station": (("查明原因，复位。", "Find the cause, RESET."), "once"),
}
"""The same for interlocks that a bench has added, by whom they blame."""
SENSOR: Advice = Advice(
    (
        "上述某项的传感器没有有效读数（7x 对应 5x，8x 对应 6x）",
        "The sensor of the same 5x (7x) or 6x (8x) gives no valid reading",
    ),
    ("检查该传感器的插头，复位。机器未被判定。", "Check that sensor's plug, RESET. It says nothing about the device."),
    "once",
)
SERVICE_LATCH: Advice = Advice(
    (
        "复位或启动被拒绝，屏幕显示“service latch”（维修锁定）",
        "RESET or START refused, the screen says “service latch”",
    ),
    (
        "测试台停用。检修后由维护员解除：`station service clear-weld`",
        "Bench out of use. Cleared after repair: `station service clear-weld`",
    ),
    "maintainer",
)
REFUSES: Pair = (
    "启动或复位被拒绝，屏幕显示：{text}",
    "START or RESET refused, the screen says: {text}",
)
RIGHT_AGAIN: Pair = (
    "不跳闸，扫码保留。恢复正常后再按启动。",
    "No trip, the scans are kept. START again when it is right.",
)

STATES: Mapping[State, Pair] = {
    State.WAITING: ("扫工牌、工单、序列号", "scan badge, work order, serial number"),
    State.SCAN_MISSING: ("继续扫；屏幕写着还缺什么", "scan on; the screen says what is missing"),
    State.WRONG_SERIAL: ("台上的机器与工单不符：核对机器", "the device is not the order's: check it"),
    State.READY: ("机器接好、打开电源、盖上盖，按启动", "device connected and switched on, lid shut: press START"),
    State.PREPARING: ("手离开；看红灯", "hands off; watch red"),
    State.ENERGISED: ("**带电**，不要碰", "**live**: do not touch"),
    State.PROMPT: ("看屏幕，按 OK 或 NG", "read the screen, press OK or NG"),
    State.COOLING: (
        "烫！等灯变化；盖仍锁着；久等不变看屏幕",
        "hot! wait; the lid stays locked; no end to it? read the screen",
    ),
    State.PASS: ("贴标签；OK 清除", "put the label on; OK clears"),
    State.FAIL: ("附单退回维修；OK 清除", "back to repair with its slip; OK clears"),
    State.ABORTED: ("未测完：重测", "not finished: test again"),
    State.ERROR: (
        "测试台出错，与机器无关：看屏幕，重测",
        "the bench's fault, not the device's: read the screen, test again",
    ),
    State.TRIPPED: ("已断电并锁定：数紫灯，查下表", "switched off and latched: count violet, see below"),
}
BESIDE: Mapping[str, Advice] = {
    "badge": Advice(
        ("请扫工牌", "scan a badge"),
        (
            "扫本人工牌签字，不签按 NG；按启动只是静音",
            "scan your badge to sign, NG if you do not; START only silences it",
        ),
        "you",
    ),
    "raise": Advice(
        ("调整：调大", "adjusting: up"),
        ("慢慢调大；两声高音，不停；按启动静音", "turn up, slowly; two high beeps; START silences"),
        "you",
    ),
    "lower": Advice(
        ("调整：调小", "adjusting: down"), ("慢慢调小；长低音，不停", "turn down, slowly; long low beeps"), "you"
    ),
    "hold": Advice(("调整：到位，等待稳定", "adjusting: inside, settling"), ("松手，不要碰", "hands off, wait"), "you"),
    "done": Advice(
        ("调整：完成", "adjusting: done"), ("松手；看屏幕下一步", "hands off; the screen says what next"), "you"
    ),
    "scan": Advice(("扫码已收到", "scan taken"), ("继续", "go on"), "you"),
    "refused": Advice(
        ("没有被接受（扫码、按键）", "not accepted (a scan, a button)"), ("屏幕写着原因", "the screen says why"), "you"
    ),
    "printer_out": Advice(
        ("打印机缺纸或未连接；其余灯照常", "printer out of paper or gone; the other lamps as ever"),
        ("装纸、合盖、检查连线；标签不会丢", "paper, lid, lead; no label is lost"),
        "you",
    ),
    "identify": Advice(("中心在找这个测试台", "the centre looks for this bench"), ("不用做什么", "nothing"), "you"),
}
"""Of what the panel shows beside the session's states, by its name in `station.panel.patterns.every_pattern`."""
LAMPS: Mapping[str, str] = {"blue": "蓝", "white": "白", "yellow": "黄", "violet": "紫"}
