"""The repair centre's procedure, row by row of the first table of reference/service-flow.md, on the real station."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import soundfile
import zxingcpp

from station.cli.demo import BADGE, OTHER_BADGE
from station.cli.keys import CERTIFICATE_KEYS
from station.cli.verify import examine
from station.contract.keys import load_public_keys
from station.contract.records import from_plain, record_from_plain
from station.domain.record import ClockStamp, Record
from station.domain.work_order import EarlierRun
from station.report import numbers
from station.report.certificate import require_certifiable
from station.report.label_layout import PAPERS
from station.report.record_view import ReportError
from station.report.words import area_title
from station.run.linking import conclude
from tests.report.label_printer import printed
from tests.report.test_slips import shows
from tests.scenarios.deaths import busy
from tests.scenarios.flow_shop import (
    CUSTOMER,
    FAULTY,
    LISTENED,
    ORDER,
    PRODUCT,
    REPAIRED,
    RETURNED,
    SERIAL,
    SOAK_S,
    TRACE_S,
    TRACED,
    Bench,
    Run,
    ago,
    history,
)
from tests.scenarios.live import ROOT

pytestmark = pytest.mark.timeout(400)
PARTS = [{"name": "Bias transistor", "number": "2SC4793", "quantity": 2, "source": "original"}]
ENGINEER = "e-17"


@dataclass(frozen=True, slots=True)
class Story:
    """What came of it. `told`: about the wrong serial number; `stranger`: the answer to a customer's name.

    `events` by work order, `labels` in the order of printing, `pages` by kind.
    """

    folder: Path
    config: Path
    told: list[dict[str, Any]]
    stranger: dict[str, Any]
    incoming: Run
    traced: Run
    adjusted: Run
    outgoing: Run
    returned: Run
    events: dict[str, list[dict[str, Any]]]
    labels: list[bytes]
    pages: dict[str, Path]

    @property
    def runs(self) -> tuple[Run, ...]:
        return (self.incoming, self.traced, self.adjusted, self.outgoing, self.returned)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """The whole story; told once more where the machine was too busy for a run of it."""
    told = tell(tmp_path_factory.mktemp("flow"))
    if any(busy(run.record) for run in told.runs):
        told = tell(tmp_path_factory.mktemp("flow"))
    return told


def tell(folder: Path) -> Story:
    """Both benches, one after the other, and the paper."""
    with Bench(folder, FAULTY) as bench:
        stranger = bench.assign(ORDER, customer=CUSTOMER)
        accept(bench, ORDER, purpose="incoming", fault_code="distorts", history=history())
        told = scan_the_wrong_one(bench)
        incoming = bench.run(ORDER)
        accept(bench, TRACED, purpose="incoming", fault_code="switches-off")
        traced = bench.run(TRACED)
        accept(bench, ORDER, purpose="adjust")
        adjusted = bench.run(ORDER)
    with Bench(folder, REPAIRED) as bench:
        accept(bench, ORDER, purpose="outgoing", repair_engineer=ENGINEER, parts=PARTS)
        outgoing = bench.run(ORDER)
        accept(bench, RETURNED, purpose="outgoing")
        returned = bench.run(RETURNED, LISTENED, ng="volume-smooth")
        bench.until(lambda: len(bench.labels()) == 2, "a label and a return slip", 30.0)
        events = {order: bench.events_of(order) for order in (ORDER, TRACED, RETURNED)}
        labels = bench.labels()
    wanted = {"fault": incoming, "certificate": outgoing, "report": outgoing}
    with ThreadPoolExecutor() as several:
        pages = dict(zip(wanted, several.map(lambda kind: page_of(bench.config, wanted[kind], kind, folder), wanted),
                         strict=True))  # fmt: skip
    return Story(folder, bench.config, told, stranger, incoming, traced, adjusted, outgoing, returned, events, labels,
                 pages)  # fmt: skip


def accept(bench: Bench, order: str, **args: Any) -> None:
    """The centre assigns, the bench takes it."""
    answer = bench.assign(order, **args)
    assert answer["status"] == "done", answer


def scan_the_wrong_one(bench: Bench) -> list[dict[str, Any]]:
    """Badge, work order and the neighbour's serial number: what is told, where the session is. Then all is cleared."""
    told: list[dict[str, Any]] = []
    todo = [f"scan OP:{BADGE}", f"scan WO:{ORDER}", "scan SN:SOMEBODY-ELSE"]
    for event in bench.watch(bench.technician(idle=True), limit_s=30.0):
        data = event["data"]
        state = (data.get("session") or data).get("state")
        if data.get("code") == "serial_differs" or state == "wrong_serial":
            told.append(data)
        if len(told) >= 2:
            bench.send("press stop")
            return told
        if state == "tripped":
            bench.send("press reset")
        elif state in ("waiting", "scan_missing") and todo:
            bench.send(todo.pop(0))
    raise AssertionError(f"it was not refused: {told}")


def results(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`station results …`, as a maintainer asks."""
    return subprocess.run(
        [sys.executable, "-m", "station", "results", *arguments], capture_output=True, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip


def page_of(config: Path, run: Run, kind: str, folder: Path) -> Path:
    """A page of a run."""
    made = results(
        "report", run.run_id, "--kind", kind, "--config", str(config), "--out", str(folder / kind), "--lang", "zh"
    )
    assert made.returncode == 0, made.stderr
    return Path(made.stdout.split("\n")[0])


def names(run: Run, *wanted: str) -> dict[str, dict[str, Any]]:
    """These measurements of a run, each made, limited and with a source."""
    found = {name: run.measured()[name] for name in wanted}
    assert all(m["value"] is not None and m["limit_source"] for m in found.values()), found
    return found


# ---- acceptance, work order (受理, 服务工单) -----------------------------------------------------------------
def test_acceptance_the_work_order_chooses_the_plan_and_another_serial_number_is_refused(story: Story) -> None:
    assert "wrong_serial" in [one.get("state") for one in story.told]
    (refusal,) = [one for one in story.told if "code" in one]
    assert SERIAL in refusal["text"]["en"] and "SOMEBODY-ELSE" in refusal["text"]["zh"]
    assert (story.incoming.record["plan"]["id"], story.incoming.record["purpose"]) == ("incoming-amplifier", "incoming")
    assert story.traced.record["plan"]["id"] == "incoming-intermittent", "chosen by the fault code: switches-off"
    for run in story.runs:
        assert run.record["dut"]["serial_number"] == SERIAL and run.record["dut"]["product"] == PRODUCT


# ---- receiving (接件单, 开箱三查) ----------------------------------------------------------------------------
def test_receiving_the_centre_is_told_of_every_state_of_the_work_order(story: Story) -> None:
    told = [event["event"] for event in story.events[ORDER]]
    ran = ["run_started", "run_ended"]
    assert told == ["accepted", "refused", *ran, "accepted", *ran, "accepted", *ran, "label_printed"]
    ends = [event["reason"] for event in story.events[ORDER] if event["event"] == "run_ended"]
    assert ends == ["FAIL", "PASS", "PASS"]
    runs = [event["run_id"] for event in story.events[ORDER] if event["event"] == "run_started"]
    assert runs == [story.incoming.run_id, story.adjusted.run_id, story.outgoing.run_id]


# ---- first diagnosis (初级检测) -------------------------------------------------------------------------------
def test_first_diagnosis_goes_from_easy_to_hard_and_does_not_stop_at_a_failure(story: Story) -> None:
    made = [step["id"] for step in story.incoming.record["steps"] if step.get("started_at")]
    failed = [step["id"] for step in story.incoming.record["steps"] if step["verdict"] == "FAIL"]
    assert made[:6] == ["switched-on", "earth-bond", "insulation", "power-up", "power-gross", "inrush"]
    assert failed[0] == "nodes" and "thd" in failed, "the multimeter sees it before the generator does"
    assert made.index("warm-up") > made.index("damping") > made.index("thd") > made.index("nodes")
    probed = [prompt["about"]["probe"] for prompt in story.incoming.told("prompt") if "probe" in prompt["about"]]
    assert {node.rpartition("_")[0] for node in probed} >= {"rail_plus", "rail_minus", "emitter"}
    names(story.incoming, "rail_plus_v", "rail_minus_v", "bias_ma", "thd_percent", "heatsink_degc")


# ---- deep diagnosis (深度检测) --------------------------------------------------------------------------------
def test_deep_diagnosis_keeps_the_sound_around_every_event(story: Story) -> None:
    trace = story.traced.step("trace")
    (capture,) = trace["captures"]
    path = story.config / "var" / "captures" / capture["file"]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == capture["sha256"]
    assert (capture["event"], capture["at_s"]) == ("dropout", pytest.approx(100.0, abs=0.1))
    heard = soundfile.info(path)
    assert (heard.format, heard.duration) == ("FLAC", pytest.approx(60.0)), "30 s before it and 30 s after"
    assert story.traced.measured()["soak_s"]["value"] == pytest.approx(TRACE_S, abs=0.1), "it went on after the event"
    assert story.traced.record["findings"][0]["area"] == "contact"


# ---- fault report (故障检测报告) ------------------------------------------------------------------------------
def test_the_fault_report_says_areas_data_and_plots(story: Story) -> None:
    finding = story.incoming.record["findings"][0]
    assert finding["area"] == "bias" and finding["because"]
    page = story.pages["fault"].read_text(encoding="utf-8")
    for words in ("故障检测报告", area_title("bias", "zh"), finding["text"]["zh"], "模拟 SAMPLE", "<svg"):
        assert words in page, words
    weights = [one["weight"] for one in story.incoming.record["findings"]]
    assert weights == sorted(weights, reverse=True)


# ---- plan and parts (维修方案, 配件) --------------------------------------------------------------------------
def test_parts_come_with_the_work_order_and_stand_on_the_certificate(story: Story) -> None:
    assert story.outgoing.record["parts"] == PARTS and story.incoming.record["parts"] == []
    page = story.pages["certificate"].read_text(encoding="utf-8")
    assert all(str(value) in page for value in PARTS[0].values())


# ---- repair (维修作业单) --------------------------------------------------------------------------------------
def test_repair_the_bias_is_set_under_a_live_reading_and_signed_by_badge(story: Story) -> None:
    guides = [told["guide"] for told in story.adjusted.told("guide") if told["guide"]]
    assert {guide["channel"] for guide in guides} == {"left", "right"} and len(guides) > 100
    set_to = names(story.adjusted, "bias_ma", "bias_drift_ma")
    assert 45.0 <= set_to["bias_ma"]["value"] <= 55.0 and abs(set_to["bias_drift_ma"]["value"]) < 1.0
    assert story.adjusted.step("sign")["signed_by"] == BADGE
    assert story.adjusted.record["reference"]["run_id"] == story.incoming.run_id


# ---- self-check and mutual check (自检, 互检) -----------------------------------------------------------------
def test_mutual_check_is_another_engineers_badge(story: Story) -> None:
    record = story.outgoing.record
    assert (record["operator"], record["second_operator"]) == (BADGE, OTHER_BADGE)
    assert story.outgoing.step("inspection")["signed_by"] == OTHER_BADGE
    assert "second_badge" in [told["code"] for told in story.outgoing.told("tell")], "one's own was refused first"
    assert [run.record["second_operator"] for run in story.runs].count(None) == 4


# ---- safety test (通电安全测试) -------------------------------------------------------------------------------
def test_safety_insulation_bond_touch_current_inrush_and_idle_power(story: Story) -> None:
    safe = names(story.outgoing, "insulation_mohm", "earth_bond_ohm", "touch_current_ma", "inrush_a", "idle_power_w")
    assert all(m["verdict"] == "PASS" for m in safe.values())
    assert safe["insulation_mohm"]["low"] == 5.0 and safe["insulation_mohm"]["conditions"]["voltage_v"] <= 500.0
    assert story.outgoing.step("switched-on")["notes"] == ["confirmed: power"], "else 500 V would see only the cord"


# ---- performance test (性能指标测试) --------------------------------------------------------------------------
def test_performance_is_judged_channel_by_channel(story: Story) -> None:
    made = names(
        story.outgoing, "output_power_w", "thd_percent", "thd_n_percent", "response_drop_db", "snr_db",
        "channel_balance_db", "crosstalk_db", "dc_offset_mv", "damping_factor",
    )  # fmt: skip
    assert all(m["verdict"] == "PASS" for m in made.values())
    assert (made["thd_percent"]["high"], made["response_drop_db"]["high"]) == (0.1, 3.0)
    thd = [m for m in story.outgoing.step("thd")["measurements"] if m["name"] == "thd_percent"]
    assert [m["channel"] for m in thd] == ["left", "right"]


# ---- stability test (稳定性测试) ------------------------------------------------------------------------------
def test_stability_is_gapless_watched_for_heat_and_says_when_it_ends(story: Story) -> None:
    soaked = names(story.outgoing, "soak_s", "dropouts", "power_drift_db", "heatsink_degc", "soak_mains_power_w")
    assert soaked["soak_s"]["value"] == pytest.approx(SOAK_S, abs=0.01), "every second of it was heard"
    assert soaked["dropouts"]["value"] == 0.0
    left = [told["remaining_s"] for told in story.outgoing.told("progress") if told["step"] == "soak"]
    assert len(left) > 10 and left == sorted(left, reverse=True) and left[-1] == pytest.approx(0.0, abs=0.01)
    curves = {curve["name"] for curve in story.outgoing.step("soak")["curves"]}
    assert {"soak_level_v", "soak_heatsink_degc"} <= curves


# ---- label (维修合格标签) -------------------------------------------------------------------------------------
def test_a_pass_prints_the_label_and_a_fail_a_return_slip_with_the_cause(story: Story) -> None:
    label, slip = (printed(job, "zpl") for job in story.labels)
    assert [one.text for one in zxingcpp.read_barcodes(label)] == [story.outgoing.run_id]
    assert [one.text for one in zxingcpp.read_barcodes(slip)] == [story.returned.run_id]
    paper = PAPERS[203]
    for picture, words, size in (
        (label, "维修合格", paper.titles[1]), (label, f"工程师 {ENGINEER}", paper.rows[0]),
        (label, ORDER, paper.rows[0]),
        (slip, "返修单", paper.titles[1]), (slip, "音量调节平滑", paper.reason), (slip, "模拟 SAMPLE", paper.rows[0]),
    ):  # fmt: skip
        assert shows(picture, words, size), words
    (cause,) = story.returned.record["causes"]
    assert (story.returned.record["verdict"], cause["measurement"]) == ("FAIL", "volume_smooth_ok")
    assert "NG" in cause["text"]


# ---- certificate and record (维修合格证明, 维修记录单) ---------------------------------------------------------
def test_the_certificate_holds_parts_and_data_and_its_signature_holds(story: Story) -> None:
    page = story.pages["certificate"].read_text(encoding="utf-8")
    assert all(words in page for words in ("维修合格证明", "维修记录单", "音量调节平滑", story.outgoing.run_id))
    assert results("verify", str(story.pages["certificate"]), "--config", str(story.config)).returncode == 0
    keys = load_public_keys(story.config / "credentials" / CERTIFICATE_KEYS)
    assert examine("forged", page.replace(SERIAL, "A100-GOLD"), keys).status == "altered"
    with pytest.raises(ReportError, match="PASS alone"):
        require_certifiable(story.returned.record)


# ---- acceptance by the customer (验收) ------------------------------------------------------------------------
def test_as_found_stands_beside_as_left(story: Story) -> None:
    reference = story.outgoing.record["reference"]
    assert (reference["run_id"], reference["purpose"]) == (story.incoming.run_id, "incoming")
    page = story.pages["report"].read_text(encoding="utf-8")
    found, left = (run.measured()["thd_percent"]["value"] for run in (story.incoming, story.outgoing))
    assert found > 0.1 > left
    assert story.incoming.run_id in page and numbers.plain_value(found, None, "%") in page


# ---- rework (返工) --------------------------------------------------------------------------------------------
def test_the_same_fault_within_30_days_is_rework(story: Story) -> None:
    before = [from_plain(run, EarlierRun) for run in history()]
    reference = story.incoming.record["reference"]
    assert reference["run_id"] == before[1].run_id, "the device's last run, which the centre sent along"
    synced = ClockStamp("synced", 10.0, "boot")
    record: Record = replace(record_from_plain(story.incoming.record), clock=synced)
    known = [replace(run, clock_quality="synced") for run in before]
    concluded = conclude(record, known)
    assert concluded.reference is not None and concluded.reference.rework
    if not reference["rework"]:  # this machine's clock is nobody's
        assert story.incoming.record["clock"]["quality"] == "unsynced" and "clock" in reference["note"]
    late = [replace(run, ended_at=ago(40)) for run in known]
    concluded = conclude(record, late)
    assert concluded.reference is not None and not concluded.reference.rework


# ---- follow-up, statistics (回访, 高频故障) --------------------------------------------------------------------
def test_statistics_find_model_area_and_cause_and_can_leave_out_what_does_not_count(story: Story) -> None:
    for run in story.runs:
        assert run.record["simulated"] is True, "never in statistics"
        assert run.record["dut"]["model"] == "A-100" and run.record["plan"]["sha256"]
    assert [run.record["purpose"] for run in story.runs] == ["incoming", "incoming", "adjust", "outgoing", "outgoing"]
    for run in (story.incoming, story.traced):
        assert run.record["findings"][0]["area"] and run.record["causes"][0]["measurement"]
    real = record_from_plain(story.incoming.record | {"simulated": False})
    seen = replace(from_plain(history()[1], EarlierRun), simulated=True)
    concluded = conclude(replace(real, reference=None), [seen])
    assert concluded.reference is None, "a real device has no simulated past"


# ---- data protection (数据安全) -------------------------------------------------------------------------------
def test_a_customers_name_is_refused_and_lies_nowhere(story: Story) -> None:
    assert story.stranger["status"] == "refused" and "customer" in story.stranger["reason"]
    name = CUSTOMER.split()[0].encode()
    files = [path for path in story.folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".sqlite" for path in files) and any(path.suffix == ".html" for path in files)
    assert [path for path in files if name in path.read_bytes()] == []
    assert ORDER.encode() in story.pages["certificate"].read_bytes(), "the work order's number alone"
