"""More words of the paper: fault areas, certificate, fault report, as found beside as left. No logic."""

from __future__ import annotations

from collections.abc import Mapping

from station.domain.trip_words import Pair

AREAS: Mapping[str, Pair] = {
    "output-stage": ("功率输出级", "Output stage"),
    "signal-path": ("信号通路", "Signal path"),
    "power-supply": ("电源", "Power supply"),
    "reservoir": ("滤波电容与整流", "Reservoir capacitors and rectifier"),
    "ground-loop": ("地线环路与屏蔽", "Ground loop, screen"),
    "input-stage": ("输入级", "Input stage"),
    "bias": ("静态偏流", "Bias"),
    "coupling": ("耦合电容", "Coupling"),
    "compensation": ("补偿网络", "Compensation"),
    "ground-return": ("公共地回路", "Ground return"),
    "output-path": ("输出通路（继电器、端子）", "Output path (relay, terminals)"),
    "feedback": ("反馈与音量", "Feedback, volume control"),
    "cooling": ("散热", "Cooling"),
    "contact": ("接触与虚焊", "Contact, solder joint"),
    "bias-tracking": ("偏流热补偿", "Bias tracking"),
    "mains-insulation": ("市电绝缘", "Mains insulation"),
    "earth": ("保护接地", "Protective earth"),
}
"""Areas of findings (reference/measurement.md, Fault areas)."""

PAPER_LABELS: Mapping[str, Pair] = {
    # as found beside as left
    "comparison": ("维修前后对照", "As found beside as left"),
    "as_found": ("维修前", "as found"),
    "as_left": ("维修后", "as left"),
    "change": ("变化", "Change"),
    "compared_with": (
        "维修前：{station}，{when}，{verdict}（{run}）",
        "As found: {station}, {when}, {verdict} ({run})",
    ),
    "other_bench": ("另一测试台", "another bench"),
    "curve_legend": (
        "实线为本次测试（维修后），细点线为维修前。",
        "Solid lines are this run (as left), fine dotted lines the device as found.",
    ),
    "rework": ("返工", "Rework"),
    "is_rework": (
        "返工：上次维修结束后 30 天内因同一故障返回，免费处理。",
        "Rework: the device came back with the same fault within 30 days of its last repair; free of charge.",
    ),
    "captures": ("保存的录音", "Captures kept on the bench"),
    "file": ("文件", "File"),
    "event": ("事件", "Event"),
    "around": ("前 / 后", "Before / after"),
    "size": ("大小", "Size"),
    "sha256": ("SHA-256", "SHA-256"),
    "signed_by": ("签字工牌", "Signed by"),
    "page_of": ("第 {page} 页", "page {page}"),
    # certificate
    "certificate": ("维修合格证明", "Certificate of repair"),
    "maintenance_record": ("维修记录单", "Maintenance record"),
    "certifies": (
        "下列机器经维修后，于下述日期按测试方案逐项检验，{count} 项测量全部合格，判定为维修合格。",
        "The device below was repaired and then tested to the plan named here on the date named here. "
        "All {count} measurements are within their limits: the repair is accepted.",
    ),
    "certificate_no": ("证明编号", "Certificate no."),
    "ended_on": ("检验日期", "Date of test"),
    "guarantee": ("保修", "Guarantee"),
    "guarantee_until": ("保修至", "Guarantee until"),
    "guarantee_text": (
        "自检验合格之日起保修 6 个月。",
        "The repair is guaranteed for 6 months from the date of test.",
    ),
    "rework_until": ("免费返工至", "Free rework until"),
    "rework_text": (
        "自检验合格之日起 30 天内出现同一故障，凭本证明免费返工。",
        "If the same fault returns within 30 days of the date of test it is reworked free of charge "
        "on presentation of this certificate.",
    ),
    "key_data": ("关键测试数据", "Key data"),
    "item": ("项目", "Item"),
    "part_source": ("来源", "Source"),
    "no_parts": ("未更换零件。", "No part was replaced."),
    "faults_found": ("维修前检出的故障", "Faults found before the repair"),
    "no_found": ("没有维修前的检测记录。", "No run as found is on record."),
    "none_found": ("未检出超限项目。", "Nothing was out of its limits."),
    "signature": ("电子签名", "Electronic signature"),
    "signed_with": (
        "由 {station} 以 Ed25519 密钥 {key} 签名。核验：station results verify 本文件（HTML）。",
        "Signed by {station} with the Ed25519 key {key}. To verify: station results verify on this file (HTML).",
    ),
    "not_signed": (
        "未签名：测试台没有签名密钥（certificate-key.json）。本页不能核验。",
        "Not signed: the station has no key (certificate-key.json). This page cannot be verified.",
    ),
    "hand_engineer": ("维修工程师签字", "Repair engineer"),
    "hand_tester": ("检验员签字", "Tester"),
    "hand_customer": ("客户验收签字", "Accepted by"),
    "seal": ("合格", "PASS"),
    "clock_note": (
        "测试台时钟未同步：本页日期仅供参考。",
        "The station's clock was not synchronised: the dates on this page are indicative.",
    ),
    # fault report
    "fault_report": ("故障检测报告", "Fault report"),
    "found_areas": (
        "检出 {count} 处可能的故障部位；最可能：{area}",
        "{count} likely fault areas; first: {area}",
    ),
    "found_area": ("检出 1 处可能的故障部位：{area}", "One likely fault area: {area}"),
    "found_nothing": (
        "未检出故障：所有测量均在限值内。间歇性故障可用长时跟踪测试确认。",
        "No fault found: every measurement is within its limits. An intermittent fault needs a long trace.",
    ),
    "found_no_area": (
        "有测量超限，但没有诊断规则指出部位：{cause}",
        "Measurements are out of their limits, but no rule of diagnosis names an area: {cause}",
    ),
    "likely_parts": ("可能的零件", "Likely parts"),
    "speaks": ("依据的测量", "What speaks for it"),
    "weight": ("权重", "Weight"),
    "data": ("全部检测数据", "All data"),
    "plots": ("曲线", "Plots"),
    "no_findings": ("没有诊断结论。", "No finding."),
    "not_in_record": ("记录中没有该项", "not in the record"),
    "rank": ("第 {number} 位", "No. {number}"),
}  # fmt: skip
