"""The words of the paper in Chinese and English: labels, measurements, verdicts, units. No logic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from station.domain.trip_words import Pair as Pair
from station.report.numbers import number
from station.report.paper_words import AREAS, PAPER_LABELS

Lang = Literal["zh", "en"]
LANGS: tuple[Lang, Lang] = ("zh", "en")
MEASUREMENTS: Mapping[str, Pair] = {
    "insulation_mohm": ("绝缘电阻", "Insulation resistance"),
    "earth_bond_ohm": ("接地电阻", "Earth bond resistance"),
    "touch_current_ma": ("接触电流", "Touch current"),
    "inrush_a": ("开机冲击电流", "Inrush current"),
    "idle_power_w": ("空载功耗", "Idle power"),
    "dc_offset_mv": ("输出直流偏移", "Output DC offset"),
    "gain_db": ("增益", "Gain"),
    "channel_balance_db": ("声道不平衡", "Channel imbalance"),
    "output_power_w": ("输出功率", "Output power"),
    "thd_percent": ("总谐波失真", "THD"),
    "thd_n_percent": ("失真加噪声", "THD+N"),
    "response_drop_db": ("频响跌落", "Response drop"),
    "snr_db": ("信噪比", "Signal-to-noise ratio"),
    "crosstalk_db": ("串扰", "Crosstalk"),
    "damping_factor": ("阻尼系数", "Damping factor"),
    "bias_ma": ("静态偏流", "Bias current"),
    "heatsink_degc": ("散热器温度", "Heatsink temperature"),
    "soak_s": ("满功率时间", "Time at full power"),
    "dropouts": ("信号中断次数", "Dropouts"),
    "power_drift_db": ("功率漂移", "Power drift"),
    "soak_thd_percent": ("满功率失真", "THD at full power"),
    "soak_dc_offset_mv": ("满功率直流偏移", "DC offset at full power"),
    "soak_mains_power_w": ("满功率市电功率", "Mains power at full power"),
    "load_drift_percent": ("负载漂移", "Load drift"),
    "heatsink_rise_k": ("末段温升", "Temperature rise at the end"),
    "supply_v": ("电源电压", "Supply voltage"),
    "supply_current_ma": ("输入电流", "Input current"),
    "supply_voltage_v": ("输入电压", "Input voltage"),
    "rail_12v_v": ("12 V 电源轨", "12 V rail"),
    "rail_5v_v": ("5 V 电源轨", "5 V rail"),
    "rail_3v3_v": ("3.3 V 电源轨", "3.3 V rail"),
    "reference_v": ("基准电压", "Reference voltage"),
    "led_ok": ("指示灯正常", "Indicators right"),
    "bias_drift_ma": ("偏流漂移", "Bias drift"),
    "power_up_a": ("通电电流", "Power-up current"),
    "power_up_w": ("通电功率", "Power-up power"),
    "rail_plus_v": ("正电源轨", "Positive rail"),
    "rail_minus_v": ("负电源轨", "Negative rail"),
    "ripple_mv": ("整流纹波", "Rectifier ripple"),
    "mains_line_mv": ("工频谱线", "Mains line"),
    "even_thd_percent": ("偶次失真", "Even-order distortion"),
    "odd_thd_percent": ("奇次失真", "Odd-order distortion"),
    "middle_thd_percent": ("中电平失真", "Distortion at middle level"),
    "low_thd_percent": ("低电平失真", "Distortion at low level"),
    "low_drop_db": ("低频跌落", "Low-frequency drop"),
    "high_drop_db": ("高频跌落", "High-frequency drop"),
    "idle_power_rise_w": ("空载功耗上升", "Rise of idle power"),
    "start_current_a": ("启动电流峰值", "Starting current, peak"),
    "start_power_w": ("启动功率", "Power after start"),
    "work_power_w": ("工作功率", "Power at work"),
    "work_current_a": ("工作电流", "Current at work"),
    "stopped_power_w": ("安全装置触发后功率", "Power when stopped"),
    "safety_device_ok": ("安全装置", "Safety device"),
    "temperature_rise_k": ("温升", "Temperature rise"),
    "held_power_percent": ("最后工作功率", "Power held to the end"),
    "cord_ok": ("电源线与插头完好", "Cord and plug sound"),
    "housing_ok": ("外壳完好", "Housing sound"),
    "works_ok": ("功能正常", "Does its work"),
    "quiet_ok": ("无异响异味", "No odd noise or smell"),
    "battery_voltage_v": ("电池电压", "Battery voltage"),
    "idle_current_ma": ("待机电流", "Idle current"),
    "charging_voltage_v": ("充电电压", "Charging voltage"),
    "charging_current_ma": ("充电电流", "Charging current"),
    "battery_charging_ma": ("电池充电电流", "Current into the battery"),
    "charging_battery_v": ("充电时电池电压", "Battery voltage, charging"),
    "starts_ok": ("开机正常", "Starts up"),
    "call_ok": ("通话", "Call"),
    "network_ok": ("网络连接", "Network"),
    "camera_ok": ("摄像头", "Cameras"),
    "sound_ok": ("扬声器与麦克风", "Speakers and microphones"),
    "keys_ok": ("按键", "Keys"),
    "screen_ok": ("显示与触摸", "Screen and touch"),
    "sensors_ok": ("传感器", "Sensors"),
    "fault_cured_ok": ("报修故障已消除", "Reported fault cured"),
    "volume_smooth_ok": ("音量调节平滑", "Volume smooth"),
    "appearance_ok": ("外观无变化", "Appearance unchanged"),
    "impedance_ohm": ("阻抗(1 kHz)", "Impedance (1 kHz)"),
    "impedance_min_ohm": ("最低阻抗", "Lowest impedance"),
    "sensitivity_db": ("灵敏度(1 V 声压级)", "Sensitivity (SPL at 1 V)"),
    "bass_thd_percent": ("低频失真", "Distortion in the bass"),
    "response_deviation_db": ("频响偏差", "Deviation of the response"),
    "polarity_deg": ("极性(相位)", "Polarity (phase)"),
    "cut_s": ("弯线时有断音的秒数", "Seconds cut while bent"),
    "flex_drop_db": ("弯线时电平跌落", "Fall of level while bent"),
    "pads_ok": ("耳垫与头梁", "Pads and headband"),
    "plug_ok": ("插头与线", "Plug and cable"),
    "remote_ok": ("线控与麦克风", "Remote and microphone"),
    "wheel_ok": ("音量轮", "Volume wheel"),
    "listening_ok": ("试听", "Listening"),
    "mutual_inspection_ok": ("互检", "Mutual inspection"),
}

CURVES: Mapping[str, Pair] = {
    "response": ("频率响应", "Frequency response"),
    "harmonics": ("谐波", "Harmonics"),
    "spectrum": ("频谱", "Spectrum"),
    "thd_frequency": ("失真随频率变化", "THD over frequency"),
    "phase": ("相位", "Phase"),
    "impedance": ("阻抗", "Impedance"),
    "response_deviation": ("频响偏差", "Deviation of the response"),
    "crosstalk_frequency": ("串扰随频率变化", "Crosstalk over frequency"),
    "temperature_rise_k": ("温升", "Temperature rise"),
    "soak_level_v": ("输出电平", "Output level"),
    "soak_thd_percent": ("总谐波失真", "THD"),
    "soak_mains_power_w": ("市电功率", "Mains power"),
    "soak_heatsink_degc": ("散热器温度", "Heatsink temperature"),
}

CONDITIONS: Mapping[str, Pair] = {
    "frequency_hz": ("频率", "at"),
    "level_v": ("电平", "level"),
    "voltage_v": ("电压", "at"),
    "current_a": ("电流", "at"),
    "test_s": ("测试", "for"),
    "settle_s": ("稳定", "settled"),
    "source_v": ("输入", "source"),
    "supply_v": ("电源", "supply"),
    "load_ohm": ("负载", "load"),
    "thd_percent": ("失真", "at THD"),
    "driven": ("驱动", "driven"),
    "weighting": ("计权", "weighting"),
    "re_v": ("参考", "re"),
    "flat_uv": ("不计权噪声", "flat noise"),
    "lowest_at_hz": ("最低点", "lowest at"),
    "below_rated_db": ("低于额定", "below rated"),
    "longer_than_s": ("长于", "longer than"),
    "first_at_s": ("首次", "first at"),
    "drawn_w": ("实耗", "drawn"),
    "work_s": ("工作", "at work for"),
    "longest_s": ("最长", "longest"),
    "reference_v": ("参考", "reference"),
    "furthest_at_hz": ("最远点", "furthest at"),
    "deviation_db": ("偏差", "deviation"),
    "series_ohm": ("串联", "in series"),
    "flexed_s": ("弯线", "bent for"),
}
"""Conditions of a measurement that a reader of the paper wants to see; others stand in the record."""

CONDITION_UNITS: Mapping[str, str] = {
    "hz": "Hz", "v": "V", "a": "A", "s": "s", "ohm": "Ω", "percent": "%", "uv": "µV", "db": "dB", "w": "W",
}  # fmt: skip

AXES: Mapping[str, Pair] = {
    "frequency": ("频率", "frequency"),
    "time": ("时间", "time"),
    "level": ("电平", "level"),
    "impedance": ("阻抗", "impedance"),
    "harmonic": ("谐波次数", "harmonic"),
    "temperature_rise": ("温升", "temperature rise"),
}

CHANNELS: Mapping[str, Pair] = {"left": ("左声道", "left"), "right": ("右声道", "right"), "both": ("双声道", "both")}

VERDICTS: Mapping[str, Pair] = {
    "PASS": ("合格", "PASS"),
    "FAIL": ("不合格", "FAIL"),
    "ABORTED": ("已中止", "ABORTED"),
    "ERROR": ("测试台故障", "ERROR"),
    "SKIPPED": ("未测", "not made"),
    "NOT_APPLICABLE": ("不适用", "n/a"),
}

SYMBOLS: Mapping[str, str] = {
    "PASS": "✓", "FAIL": "✕", "ABORTED": "■", "ERROR": "!", "SKIPPED": "–", "NOT_APPLICABLE": "–",
}  # fmt: skip
"""Never colour alone."""

PURPOSES: Mapping[str, Pair] = {
    "incoming": ("进厂检测（维修前）", "incoming, as found"),
    "adjust": ("调整", "adjustment"),
    "outgoing": ("出厂检验（维修后）", "outgoing, as left"),
    "verify": ("标准机核查", "golden-unit check"),
    "engineering": ("工程试验", "engineering trial"),
}

CLOCKS: Mapping[str, Pair] = {
    "synced": ("已同步", "synchronised"),
    "holdover": ("守时", "holdover"),
    "unsynced": ("未同步，时间仅供参考", "not synchronised, times are indicative"),
}

UNITS: Mapping[str, str] = {"Mohm": "MΩ", "ohm": "Ω", "degC": "°C", "deg": "°", "1": ""}

LABELS: Mapping[str, Pair] = {
    "title": ("维修检验报告", "Repair test report"),
    "simulated": ("模拟 SAMPLE", "模拟 SAMPLE"),
    "simulated_why": (
        "本报告来自模拟测试台，不是对真实机器的检验，不得作为合格凭证。",
        "This report comes from a simulated bench. No real device was tested; it certifies nothing.",
    ),
    "dut": ("受检机器", "Device"),
    "product": ("产品", "Product"),
    "serial_number": ("序列号", "Serial number"),
    "imei": ("IMEI", "IMEI"),
    "work_order": ("工单", "Work order"),
    "operator": ("检验员", "Tester"),
    "second_operator": ("复核员", "Second tester"),
    "repair_engineer": ("维修工程师", "Repair engineer"),
    "handovers": ("交接", "Handed over to"),
    "test": ("检验", "Test"),
    "plan": ("测试方案", "Plan"),
    "purpose": ("目的", "Purpose"),
    "started_at": ("开始", "Started"),
    "ended_at": ("结束", "Ended"),
    "duration_s": ("用时", "Duration"),
    "clock": ("时钟", "Clock"),
    "station": ("测试台", "Station"),
    "software": ("软件", "Software"),
    "run": ("编号", "Run"),
    "reference": ("对照测试", "Compared with run"),
    "speed": ("模拟倍速", "Simulation speed"),
    "results": ("测量结果", "Results"),
    "measurement": ("测量项目", "Measurement"),
    "value": ("测量值 ± 不确定度（k=2）", "Value ± uncertainty (k=2)"),
    "value_word": ("测量值", "Value"),
    "to": ("～", "to"),
    "limits": ("限值", "Limits"),
    "position": ("在限值中的位置", "Within limits"),
    "verdict": ("结论", "Verdict"),
    "source": ("限值依据", "Source of limits"),
    "curves": ("曲线", "Curves"),
    "over_time": ("随时间的读数", "Readings over time"),
    "mask": ("限值", "limit"),
    "causes": ("不合格原因（按发生顺序）", "Why not PASS, in order of time"),
    "trips": ("联锁跳闸", "Trips"),
    "interlock": ("联锁", "Interlock"),
    "cause": ("原因", "Cause"),
    "limit": ("限值", "Limit"),
    "tripped": (
        "跳闸：{interlock}，{cause}{figures}（归因：{due_to}）",
        "trip: {interlock}, {cause}{figures} (due to {due_to})",
    ),
    "blames": ("归因", "Due to"),
    "blames_dut": ("受检机器", "device"),
    "blames_station": ("测试台", "station"),
    "blames_person": ("人员操作", "a person"),
    "at": ("时刻", "At"),
    "notes": ("备注", "Notes"),
    "findings": ("诊断", "Findings"),
    "area": ("部位", "Area"),
    "because": ("依据", "Because of"),
    "parts": ("更换的零件", "Parts replaced"),
    "number": ("编号", "Number"),
    "quantity": ("数量", "Quantity"),
    "instruments": ("测量仪器", "Instruments"),
    "role": ("用途", "Role"),
    "model": ("型号", "Model"),
    "calibrated_until": ("校准有效期", "Calibrated until"),
    "not_calibrated": ("无校准记录", "no calibration on record"),
    "none": ("无", "none"),
    "passed": (
        "{count} 项测量全部合格，无联锁跳闸。",
        "All {count} measurements are within their limits; nothing tripped.",
    ),
    "failed": ("首要原因：{cause}", "First cause: {cause}"),
    "aborted": ("检验被中止：{cause}", "The test was aborted: {cause}"),
    "errored": (
        "测试台故障，机器未作判定，请重测：{cause}",
        "The station failed; the device was not judged, test it again: {cause}",
    ),
    "no_cause": ("记录中没有原因", "the record names no cause"),
    "above": ("{what}为 {value}，超过上限 {limit}", "{what} is {value}, above the limit of {limit}"),
    "below": ("{what}为 {value}，低于下限 {limit}", "{what} is {value}, below the limit of {limit}"),
    "guard_PASS": (
        "在限值内，但余量小于不确定度：按简单判定合格，未经证明",
        "inside the limit by less than its uncertainty: PASS by the simple rule, not proven",
    ),
    "guard_FAIL": (
        "在限值内，但余量小于不确定度：按保护带判定不合格",
        "inside the limit by less than its uncertainty: FAIL by the guarded rule",
    ),
    "guard_ERROR": (
        "不确定度大于容差的一半：按保护带判定无法作出结论",
        "its uncertainty is wider than half of the tolerance: the guarded rule can prove nothing",
    ),
    "guard_beyond": (
        "超出限值，但超出量小于不确定度：不合格，未经证明",
        "beyond the limit by less than its uncertainty: FAIL, not proven",
    ),
    "guard_cause": ("{what}为 {value}（限值 {limit}）：{why}", "{what} is {value}, limit {limit}: {why}"),
    "answered_ng": ("{what}：检验员答 NG", "{what}: answered with NG"),
    "not_judged": ("{what}：未判定（{why}）", "{what}: not judged ({why})"),
    "not_measured": ("{what}未能测得", "{what} could not be measured"),
    "made": ("{passed} / {planned} 项合格", "{passed} of {planned} passed"),
    "uncertainty_note": (
        "测量值后为扩展不确定度（k=2，约 95 %）。“<”“>”表示真值只知其界。",
        "Values carry their expanded uncertainty (k=2, about 95 %). “<” and “>” mark a bound of the true value.",
    ),
    "made_from": (
        "本报告仅由该次检验的记录生成。",
        "Made from the record of this run alone.",
    ),
    "configuration": ("配置", "Configuration"),
}  # fmt: skip


def pick(pair: Pair, lang: Lang) -> str:
    """The half of `pair` that belongs to `lang`."""
    return pair[0] if lang == "zh" else pair[1]


def label(name: str, lang: Lang, **values: object) -> str:
    """A label of the paper, filled in."""
    return pick(LABELS.get(name) or PAPER_LABELS[name], lang).format(**values)


def measurement_title(name: str, lang: Lang) -> str:
    """A measurement in words; an unknown one by its name, its unit left out."""
    pair = MEASUREMENTS.get(name)
    return pick(pair, lang) if pair else name.rsplit("_", 1)[0].replace("_", " ")


def curve_title(name: str, lang: Lang) -> str:
    """A curve in words; an unknown one by its name."""
    pair = CURVES.get(name)
    return pick(pair, lang) if pair else name.replace("_", " ")


def area_title(area: str, lang: Lang) -> str:
    """A fault area in words; an unknown one by its id."""
    return pick(AREAS.get(area, (area, area)), lang)


def axis_title(name: str, lang: Lang) -> str:
    """An axis in words."""
    pair = AXES.get(name)
    return pick(pair, lang) if pair else name.replace("_", " ")


def channel_title(name: str | None, lang: Lang) -> str:
    """A channel in words; empty where there is none."""
    return pick(CHANNELS.get(name, (name, name)), lang) if name else ""


def unit_title(unit: str) -> str:
    """A unit as people write it (`MΩ`, `°C`)."""
    return UNITS.get(unit, unit)


def condition(name: str, value: object, lang: Lang) -> str:
    """A condition in words (`at 1000 Hz`); empty for one that the paper does not tell."""
    pair = CONDITIONS.get(name)
    if pair is None:
        return ""
    if isinstance(value, str):
        return f"{pick(pair, lang)} {channel_title(value, lang)}"
    unit = CONDITION_UNITS.get(name.rsplit("_", 1)[-1], "")
    shown = number(value) if isinstance(value, int | float) else str(value)
    return f"{pick(pair, lang)} {shown}\u202f{unit}".rstrip("\u202f")
