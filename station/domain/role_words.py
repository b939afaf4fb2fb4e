"""The instruments of a bench in words, by the role that they have on it; a bench may have others."""

from __future__ import annotations

from collections.abc import Mapping

ROLES: Mapping[str, tuple[str, str]] = {
    "audio": ("音频接口", "audio interface"),
    "bias": ("偏置电压表", "bias meter"),
    "dc": ("直流电压表", "DC voltmeter"),
    "discharge": ("放电检测", "discharge meter"),
    "fan": ("风扇转速", "fan speed"),
    "infrared": ("红外测温", "infrared thermometer"),
    "inrush": ("冲击电流探头", "peak-current probe"),
    "loadbank": ("假负载", "load bank"),
    "mains": ("市电功率计", "mains power meter"),
    "feed": ("直流电源表", "DC supply meter"),
    "probe": ("手持直流探头", "hand-held DC probe"),
    "relays": ("继电器板", "relay board"),
    "temperature": ("热电偶模块", "thermocouple module"),
    "tester": ("安规测试仪", "insulation and bond tester"),
    "touch": ("接触电流测试仪", "touch-current tester"),
}
"""Chinese and English."""


def role_in(role: str, language: str) -> str:
    """What an instrument is called; an unknown role by its name."""
    chinese, english = ROLES.get(role, (role, role))
    return chinese if language == "zh" else english
