"""The page's own words in Chinese and English; what happens at the bench is told in both by whoever tells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from station.page.advice import Advice, Pair, both
from station.report.words import PURPOSES, SYMBOLS, VERDICTS

UI: Mapping[str, Pair] = {
    "title": ("测试台", "Bench"),
    "volt_on": ("带电！勿碰", "LIVE · hands off"),
    "volt_guide": ("带电！只动调节点", "LIVE · the trimmer only"),
    "volt_off": ("已断电", "Voltage off"),
    "volt_out": ("停用，按带电对待", "Out of operation: treat as live"),
    "volt_unknown": ("电压未知，看红绿灯", "Voltage unknown: look at the lamps"),
    "simulated": ("模拟", "SIMULATED"),
    "no_connection": ("与测试台失去联系", "NO CONNECTION"),
    "no_page": ("本页与其程序失去联系", "NO CONNECTION to the page's program"),
    "no_daemon": ("测试台程序没有应答", "the bench's program does not answer"),
    "not_current": (
        "此屏不显示任何当前状态。只看面板上的灯：红灯亮或不确定，就当作带电。",
        "Nothing on this screen is current. Look at the lamps: if red is lit, or in doubt, treat it as live.",
    ),
    "trying": ("正在自动重连…", "Trying again by itself…"),
    "full": ("观看的屏幕太多，正在排队…", "Too many screens look on already; waiting for a place…"),
    "operator": ("工牌", "Badge"),
    "work_order": ("工单", "Work order"),
    "serial_number": ("序列号", "Serial number"),
    "imei": ("IMEI", "IMEI"),
    "product": ("产品", "Product"),
    "plan": ("方案", "Plan"),
    "to_scan": ("待扫", "to scan"),
    "refused": ("拒绝", "REFUSED"),
    "note": ("注意", "NOTE"),
    "ok_button": ("OK 按钮", "OK button"),
    "ng_button": ("NG 按钮", "NG button"),
    "yes": ("是", "yes"),
    "no": ("否 / 不行", "no"),
    "scan_badge": ("扫工牌", "scan a badge"),
    "decline": ("不同意", "decline"),
    "step": ("步骤", "Step"),
    "steps": ("测试进度", "Plan"),
    "ends_at": ("预计结束", "ends at"),
    "left": ("剩余", "left"),
    "history": ("本机履历", "This device before"),
    "no_history": ("本台没有此序列号的记录", "no earlier run of it on this bench"),
    "orders": ("待测工单", "Work orders waiting"),
    "no_orders": ("无", "none"),
    "causes": ("原因", "Why"),
    "trip": ("跳闸", "Tripped"),
    "number": ("紫灯编号", "violet blinks"),
    "do": ("怎么办", "What to do"),
    "who": ("谁可复位", "Who clears it"),
    "stuck": ("按钮卡住", "button stuck"),
    "centre": ("中心", "Centre"),
    "connected": ("已连接", "connected"),
    "offline": ("离线，结果留在本台", "offline: results wait here"),
    "to_send": ("待发", "to send"),
    "quarantined": ("被退回", "rejected"),
    "paper_out": ("打印机未就绪", "Printer out"),
    "paper_pending": ("待打印", "To print"),
    "lamps": ("面板灯", "Panel lamps"),
    "buzzer": ("蜂鸣器", "buzzer"),
    "means": ("含义", "means"),
    "raise": ("调大", "RAISE"),
    "lower": ("调小", "LOWER"),
    "hold": ("别动，等待稳定", "HOLD: let it settle"),
    "done": ("好了，松手", "DONE: hands off"),
    "target": ("目标", "target"),
    "window": ("范围", "window"),
    "left_channel": ("左声道", "left"),
    "right_channel": ("右声道", "right"),
    "both_channel": ("双声道", "both"),
    "limit": ("限值", "limit"),
    "time_s": ("时间 s", "time, s"),
    "time_min": ("时间 min", "time, min"),
    "details": ("更多", "More"),
    "type": ("手动输入", "Type"),
    "back": ("返回", "Back"),
    "send": ("输入", "Enter"),
    "sent": ("已收下", "taken"),
    "type_title": ("条码扫不出时手动输入（记录为手动）", "Type a code that will not scan (marked as typed)"),
    "language": ("EN", "中文"),
    "current": ("进行中", "running"),
    "to_come": ("待做", "to come"),
    "of": ("/", "of"),
    "passed": ("合格步骤", "Steps passed"),
    "typed": ("手动", "typed"),
    "no_script": ("本页需要 JavaScript。", "This page needs JavaScript."),
}


def page_words(advice: Advice) -> dict[str, Any]:
    """Everything that the page's script says by itself, by language."""
    return {
        "ui": {name: both(pair) for name, pair in UI.items()},
        "verdicts": {name: both(pair) for name, pair in VERDICTS.items()},
        "symbols": dict(SYMBOLS),
        "purposes": {name: both(pair) for name, pair in PURPOSES.items()},
        "legend": [
            {
                "lamps": [list(lamp) for lamp in row.lamps], "words": both(row.words), "buzzer": both(row.buzzer),
                "title": both(row.title), "do": both(row.do),
            }
            for row in advice.lamps.values()
        ],
    }  # fmt: skip
