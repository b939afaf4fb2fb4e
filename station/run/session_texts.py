"""What the session says to the technician, in Chinese and English, by code. `{…}` is filled in by the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

TEXTS: Mapping[str, tuple[str, str]] = {
    "scan_unknown": (
        "无法识别的条码“{text}”：应以 OP: WO: SN: IM: PR: PL: 开头",
        "unknown scan “{text}”: it must start with OP: WO: SN: IM: PR: or PL:",
    ),
    "step_unknown": (
        "测试方案 {plan} 没有步骤“{step}”。其步骤：{steps}",
        "plan {plan} has no step “{step}”. Its steps: {steps}",
    ),
    "scan_value": (
        "条码“{text}”的内容无效：须为 1 至 48 个可打印 ASCII 字符，不含空格",
        "the value of “{text}” is not usable: 1 to 48 printable ASCII characters without spaces",
    ),
    "imei_digits": (
        "IMEI“{text}”含无效字符：IMEI 为 15 位数字；MEID 为 14 位十六进制，以 A–F 或 99 开头。请按 *#06# 核对后重扫",
        "“{text}” is no IMEI: that is 15 decimal digits (a MEID: 14 hexadecimal ones, beginning with A to F or 99). "
        "Dial *#06# on the phone and scan what it shows",
    ),
    "imei_length": (
        "IMEI“{text}”有 {digits} 位，应为 15 位（含校验位；16 位的是 IMEISV）。请重扫，或按 *#06# 核对",
        "IMEI “{text}” has {digits} digits: it takes 15, check digit included (16 is an IMEISV). Scan it again, or "
        "dial *#06# on the phone",
    ),
    "meid_length": (
        "MEID“{text}”有 {digits} 位，应为 14 位十六进制（可另加 1 位校验位）。请重扫，或按 *#06# 核对",
        "MEID “{text}” has {digits} digits: it takes 14 hexadecimal ones, or 15 with its check digit. Scan it again, "
        "or dial *#06# on the phone",
    ),
    "imei_check": (
        "IMEI“{text}”校验位不符：末位是 {said}，应为 {wanted}，有一位读错。请重扫，或按 *#06# 核对",
        "the check digit of IMEI “{text}” is wrong: it ends in {said} and should end in {wanted}: a digit was misread. "
        "Scan it again, or dial *#06# on the phone",
    ),
    "imei_zero": (
        "IMEI 全为零：该手机的 IMEI 已丢失，须先修复再检验",
        "the IMEI is all zeros: this phone has lost its number, which is a fault to repair before the test",
    ),
    "imei_unwanted": (
        "产品“{product}”没有 IMEI，请勿扫描",
        "product “{product}” has no IMEI: none is to be scanned for it",
    ),
    "product_unknown": ("没有产品“{text}”的测试资料", "no product “{text}” in the configuration"),
    "plan_unknown": ("没有测试方案“{text}”", "no plan “{text}” in the configuration"),
    "product_differs": (
        "产品不符：工单为 {order}，扫描为 {scanned}",
        "the product differs: the work order says {order}, the scan says {scanned}",
    ),
    "order_unservable": (
        "工单 {number} 的产品“{product}”没有测试资料",
        "work order {number} is for product “{product}”, which is not in the configuration",
    ),
    "scans_missing": ("还缺：{missing}", "still missing: {missing}"),
    "scans_missing_purpose": (
        "还缺：{missing}。工单要求“{purpose}”，但没有对应的测试方案：请扫描 PL:，或请维护员添加方案",
        "still missing: {missing}. The work order asks for “{purpose}”, and no plan serves that for this product: "
        "scan a PL: code, or have a maintainer add the plan",
    ),
    "badge_expired": ("工牌已过 30 分钟，请重新扫描", "the badge is older than 30 minutes: scan it again"),
    "shift_ended": ("本班次已结束，请重新扫描工牌", "the shift is over: scan a badge again"),
    "badge_replaced": (
        "工牌已由 {before} 换为 {now}",
        "badge {before} was replaced by {now}",
    ),
    "in_hand": ("本次测试已由工牌 {operator} 负责", "badge {operator} has this run in hand already"),
    "plan_unfit": (
        "测试方案 {plan} 用于 {family}，产品 {product} 属于 {its}：请扫描合适的方案",
        "plan {plan} is for {family}, and product {product} is of {its}: scan a plan of that family",
    ),
    "no_consent": (
        "工单 {number} 没有客户的数据授权，此测试须经授权：请受理处补录授权后重新派单",
        "work order {number} has no consent of the customer to touch their data, and this test needs it: the "
        "reception adds the consent and assigns the order again",
    ),
    "pass_missing": (
        "须先在 {hours} 小时内通过方案 {plan}：工单 {number}、序列号 {serial} 没有合格记录。请先做 PL:{plan}",
        "this plan needs a PASS of {plan} within {hours} h: none is known for work order {number}, serial number "
        "{serial}. Run PL:{plan} first",
    ),
    "pass_old": (
        "方案 {plan} 的合格记录（{at}）已超过 {hours} 小时，请重做 PL:{plan}",
        "the PASS of {plan} ({at}) is older than {hours} h: run PL:{plan} again",
    ),
    "pass_taken_back": (
        "方案 {plan} 合格（{at}）之后，该机又有不合格或调整记录，请重做 PL:{plan}",
        "after the PASS of {plan} ({at}) the device failed or was adjusted: run PL:{plan} again",
    ),
    "pass_clock": (
        "时钟未同步，无法证明方案 {plan} 的合格记录（{at}）在 {hours} 小时之内：请接通网络，待时钟校准后再按启动",
        "the clock is not set, so it cannot be shown that the PASS of {plan} ({at}) is within {hours} h: connect the "
        "network and wait until the clock is synchronised, then press START",
    ),
    "not_calibrated": (
        "不能启动：{why}。请叫维护员校准或更换仪器；扫码保留，恢复后再按启动",
        "nothing starts: {why}. A maintainer calibrates or replaces the instrument; the scans are kept: press START "
        "again then",
    ),
    "not_calibrated_now": (
        "未开始测试：{why}。请叫维护员校准或更换仪器，再重新扫码",
        "no run is begun: {why}. A maintainer calibrates or replaces the instrument; then scan again",
    ),
    "soak_stopped": (
        "老化测试不能暂停：按 NG 即结束本次测试",
        "a soak has no pause: NG ended the run",
    ),
    "serial_differs": (
        "序列号不符：工单为 {order}，扫描为 {scanned}。请核对机器",
        "the serial number differs: the work order says {order}, the scan says {scanned}. Check the device",
    ),
    "run_in_progress": ("测试正在进行", "a run is in progress"),
    "cooling": ("冷却中，请稍候", "cooling down: wait"),
    "tripped": ("联锁已跳闸（{cause}）：排除原因后按复位", "tripped ({cause}): remove the cause, then press RESET"),
    "run_winding_up": ("测试正在结束，请稍候再复位", "the run is still ending: press RESET again in a moment"),
    "run_ending": ("测试正在结束，请稍候再扫码", "the run is still ending: scan again in a moment"),
    "live": ("测试台仍带电，不能启动", "the bench still has voltage: nothing starts"),
    "barred": (
        "不能启动：{why}。扫码保留，恢复正常后再按启动",
        "nothing starts: {why}. The scans are kept: press START again when it is right",
    ),
    "cooling_blind": (
        "假负载温度未知（{why}）：盖仍锁着，风扇继续转。请检查假负载温度传感器及其插头，或叫维护员；读数恢复并冷却后自动松锁",
        "the load bank's temperature is not known ({why}): the lid stays locked and the fan runs on. Check the load "
        "bank's thermometer and its plug, or call a maintainer; once it reads and is cool, the lid is released",
    ),
    "lid_hot": (
        "假负载仍热：盖仍锁着，风扇在转。请等待，冷却后自动松锁",
        "the load bank is still hot: the lid stays locked and the fan runs. Wait: it is released when it is cool",
    ),
    "lid_open": (
        "防护盖开着：请先合上盖，再按 OK 或 NG（要结束测试按停止）",
        "the lid is open: shut the lid first, then press OK or NG (STOP ends the run)",
    ),
    "stop_stuck": (
        "停止按钮一直被按下：松开后请按一次停止，证明它有效，再重新扫码",
        "the STOP button is held down: free it, press it once to prove that it works, then scan again",
    ),
    "not_tripped": ("没有需要复位的跳闸", "nothing to reset"),
    "no_prompt": ("当前没有需要回答的提示", "no prompt is waiting for an answer"),
    "badge_wanted": (
        "此处须扫描工牌签字，按确认无效；不同意请按 NG",
        "a badge has to sign here: scan it; OK does not count. Press NG to decline",
    ),
    "inspector_in_run": (
        "该工牌已为本次测试签互检，不能再接手本次测试；请由其他人员扫码交接",
        "this badge has signed the mutual inspection of this run and cannot take it over: another person's badge must",
    ),
    "badge_typed": (
        "本方案含互检：工牌 {badge} 是输入的，请在本台扫码枪上扫描本人工牌",
        "this plan has a mutual inspection and badge {badge} was typed in: scan your own at the bench's scanner",
    ),
    "second_badge": (
        "须在本台扫描有权签字的工牌；互检须由没有维修、没有测试此机的另一位工程师签字",
        "a badge signs at the bench's own scanner; mutual inspection needs that of an engineer who neither repaired nor"
        " tested this device",
    ),
    "nothing_to_stop": ("当前没有测试", "no run to stop"),
    "no_run": ("当前没有测试", "no run is in progress"),
    "other_run": ("正在进行的是另一次测试 {run_id}", "the run in progress is another one: {run_id}"),
    "order_started": ("工单 {number} 的测试已开始", "the run of work order {number} has started"),
    "order_unknown": ("本测试台没有工单 {number}", "work order {number} is not on this bench"),
    "order_withdrawn": ("工单 {number} 已被撤回", "work order {number} has been withdrawn"),
    "orders_full": ("待测工单已满（{count} 个）", "the list of work orders is full ({count})"),
    "orders_large": (
        "待测工单的历史曲线已满（共 {megabytes} MB），工单 {number} 未接收：请不带旧曲线重新派发，或先撤回其他工单",
        "the waiting work orders hold {megabytes} MB of earlier curves already and {number} does not fit: assign it"
        " without the curves of older runs, or withdraw another",
    ),
    "button_stuck": (
        "按钮 {button} 一直被按下，已忽略：请检查按钮",
        "button {button} is held down and ignored: check the button",
    ),
    "panel_lost": ("控制面板失去联系：{reason}", "the panel does not answer: {reason}"),
    "panel_back": ("控制面板已恢复", "the panel answers again"),
    "power_return": ("供电已恢复：请检查测试台后按复位", "power has returned: check the bench, then press RESET"),
    "prompt_unexpected": ("没有测试在进行，提示被忽略", "a prompt without a run is ignored"),
}

_LISTED = 240
"""Characters of a list of steps: more than any shipped plan has."""

SCAN_TITLES: Mapping[str, tuple[str, str]] = {
    "operator": ("工牌 OP:", "badge (OP:)"),
    "work_order": ("工单 WO:", "work order (WO:)"),
    "serial_number": ("序列号 SN:", "serial number (SN:)"),
    "imei": ("IMEI/MEID（IM:）", "IMEI or MEID (IM:, or the bare code)"),
    "product": ("产品 PR:", "product (PR:)"),
    "plan": ("测试方案 PL:", "plan (PL:)"),
}


def say(code: str, **values: object) -> dict[str, str]:
    """The text of `code` in both languages."""
    chinese, english = TEXTS[code]
    return {"zh": chinese.format(**values), "en": english.format(**values)}


def say_uncalibrated(told: Sequence[Mapping[str, str]], *, late: bool = False) -> dict[str, str]:
    """Why no PASS can be made with these instruments. `late`: START was pressed, and the scans are gone."""
    chinese, english = TEXTS["not_calibrated_now" if late else "not_calibrated"]
    return {
        "zh": chinese.format(why="；".join(words["zh"] for words in told)),
        "en": english.format(why="; ".join(words["en"] for words in told)),
    }


def say_missing(names: tuple[str, ...], purpose: str | None = None) -> dict[str, str]:
    """What is still missing, in words; where it is the plan, which `purpose` of the work order none serves."""
    chinese = "、".join(SCAN_TITLES[name][0] for name in names)
    english = ", ".join(SCAN_TITLES[name][1] for name in names)
    template = TEXTS["scans_missing" if "plan" not in names or purpose is None else "scans_missing_purpose"]
    return {
        "zh": template[0].format(missing=chinese, purpose=purpose),
        "en": template[1].format(missing=english, purpose=purpose),
    }


def list_steps(steps: tuple[str, ...]) -> str:
    """Ids of steps in one line, cut where a page has no room for more."""
    shown = ", ".join(steps) or "—"
    return shown if len(shown) <= _LISTED else shown[:_LISTED].rpartition(", ")[0] + ", …"
