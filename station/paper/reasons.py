"""Why paper waits, in both languages of the bench; what a driver says in English stays behind it."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.errors import DeviceTimeout, PortError, PrinterNotReady
from station.paper.rendering import RenderError

Words = Mapping[str, str]

FAULTS: Mapping[str, tuple[str, str]] = {
    "paper": ("打印机缺纸：请装入标签纸", "the printer is out of paper: load labels"),
    "ribbon": ("打印机缺碳带：请装入碳带", "the printer is out of ribbon: load one"),
    "head": ("打印头未合上：请合上", "the print head is open: close it"),
    "cover": ("打印机盖未合上：请合上", "the printer's cover is open: close it"),
    "jam": ("打印机卡纸：请取出", "labels are jammed in the printer: take them out"),
    "pause": ("打印机已暂停：请按暂停键继续", "the printer is paused: press its pause button"),
    "temperature": ("打印机温度异常：请等待", "the printer is too hot or too cold: wait"),
    "memory": ("打印机设置丢失：请校准", "the printer has lost its settings: calibrate it"),
    "other": ("打印机报告故障：请查看打印机", "the printer tells of a fault: look at it"),
}


def in_words(error: Exception) -> Words:
    """One sentence a language: what is wrong and what to do."""
    if isinstance(error, PrinterNotReady):
        zh, en = FAULTS.get(error.fault, FAULTS["other"])
        return {"zh": zh, "en": en}
    if isinstance(error, PortError):
        return {"zh": f"打印机连接不上：请检查电源、连线和地址（{error}）", "en": str(error)}
    if isinstance(error, DeviceTimeout):
        return {"zh": f"打印机没有应答：可能缺纸或上盖未合（{error}）", "en": str(error)}
    if isinstance(error, RenderError):
        return {"zh": f"标签无法生成：请通知维护人员（{error}）", "en": f"{error}; tell the maintainer"}
    return {"zh": f"标签未打印（{error}）", "en": str(error)}
