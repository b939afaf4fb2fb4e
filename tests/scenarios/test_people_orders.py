"""Work orders through a whole station: the centre's broker and signature at one end, scanner and buttons at the other.

Daemon, simulated bench, broker and collector in processes of their own; the centre of this test signs with the key
that the station trusts, and looks at nothing but what the collector stored.
"""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from station.cli.keys import centre_key
from station.contract.commands import make_command
from station.contract.envelope import topic
from station.contract.keys import load_key
from station.domain.clock import utc_text
from station.mqtt.address import parse_address
from station.mqtt.link import Link, LinkOptions
from station.uplink.clock import ClockReader
from tests.scenarios.live import ROOT, Live

STATION = "bench-07"
ASSIGN = {"product": "example-a-100", "serial_number": "S1", "purpose": "outgoing"}


class Shop(Live):
    """A station with two short outgoing plans, the second of which waits for a PASS of the first."""

    clock_is_set = True

    def start_station(self) -> Any:
        module = "set_clock_station" if self.clock_is_set else "impatient_station"
        arguments = ("run", "--config", str(self._config), "--broker", self.broker.url)
        self.station = self._start(module, *arguments)
        return self.station

    def _add_plan(self) -> None:
        super()._add_plan()
        plans = self._config / "plans"
        short = tomllib.loads((plans / "live.toml").read_text(encoding="utf-8"))
        asking = tomllib.loads((plans / "outgoing-amplifier.toml").read_text(encoding="utf-8"))
        controls = next(step for step in asking["step"] if step["id"] == "controls")
        for name, more in (
            ("first-part", {}),
            ("second-part", {"needs_pass": {"plan": "first-part", "within_h": 24}}),
            ("asking", {"step": [controls, *short["step"]]}),
        ):
            text = tomli_w.dumps({**short, "id": name, **more})
            (plans / f"{name}.toml").write_text(text, encoding="utf-8")

    # ---- the centre ----------------------------------------------------------------------------------------
    def command(self, verb: str, args: dict[str, Any], cmd_id: str) -> dict[str, Any]:
        """Send a signed command and return the body of its reply, as the centre stored it."""
        self.until(lambda: bool(self.status()["uplink"]["connected"]), "the station listens")
        key, now = load_key(centre_key(ROOT / "var" / "keys")), datetime.now(UTC)
        payload = make_command(
            key, STATION, verb, args, cmd_id=cmd_id, issued_at=utc_text(now),
            expires_at=utc_text(now + timedelta(minutes=1)),
        )  # fmt: skip
        asyncio.run(self._publish(payload))
        self.until(lambda: self.reply(cmd_id) is not None, f"the reply to {cmd_id}")
        reply = self.reply(cmd_id)
        assert reply is not None
        return reply

    async def _publish(self, payload: bytes) -> None:
        link = Link(LinkOptions(parse_address(self.broker.url), "the-centre"))
        await link.open()
        link.publish(topic(STATION, "dn", "cmd"), payload)
        await link.next()  # its acknowledgement
        await link.close()

    def bodies(self, kind: str) -> list[dict[str, Any]]:
        rows = self.rows(f"SELECT payload FROM messages WHERE kind LIKE '{kind}/%' ORDER BY rowid")
        return [json.loads(payload)["body"] for (payload,) in rows]

    def reply(self, cmd_id: str) -> dict[str, Any] | None:
        return next((body for body in self.bodies("reply") if body["cmd_id"] == cmd_id), None)

    def heard(self) -> list[str]:
        return [f"{body['event']} {body['work_order']}" for body in self.bodies("event")]

    # ---- the technician ------------------------------------------------------------------------------------
    def status(self) -> dict[str, Any]:
        with self.connect() as client:
            status: dict[str, Any] = client.ask("status")["data"]
            return status

    def session(self) -> dict[str, Any]:
        view: dict[str, Any] = self.status()["session"]
        return view

    def reach(self, check: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        self.until(lambda: check(self.session()), what)
        return self.session()

    def stand_ready(self) -> None:
        """Press RESET until the bench that has just come up takes it."""

        def pressed() -> bool:
            if self.session()["state"] == "tripped":
                self.send("press reset")
                return False
            return True

        self.until(pressed, "RESET is taken", 20.0)

    def scan(self, *texts: str) -> None:
        for text in texts:
            self.send(f"scan {text}")

    def run(self, *scans: str) -> dict[str, Any]:
        """Scan, press START, wait for the record at the centre."""
        self.scan(*scans)
        self.reach(lambda view: view["state"] == "ready", "ready")
        known = set(self.results())
        self.send("press start")
        self.until(lambda: set(self.results()) - known, "the record at the centre")
        (run_id,) = set(self.results()) - known
        self.reach(lambda view: view["verdict"] is not None, "the verdict")
        return self.results()[run_id]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with Shop(tmp_path) as shop:
        yield shop


def test_an_order_waits_over_a_crash_is_claimed_refused_run_and_used_up(shop: Shop) -> None:
    for number, priority in (("WO-1", 1), ("WO-2", 9)):
        assign = {**ASSIGN, "work_order": number, "priority": priority}
        assert shop.command("assign", assign, f"a-{number}")["status"] == "done"
    shop.kill(shop.station)
    shop.start_station()
    shop.reach(lambda view: view["assigned"] == ["WO-2", "WO-1"], "both orders after the crash")
    shop.stand_ready()
    shop.scan("OP:E07", "WO:WO-1", "SN:WRONG", "PL:live")
    shop.reach(lambda view: view["state"] == "wrong_serial", "the wrong device is seen")
    record = shop.run("SN:S1")
    assert (record["verdict"], record["work_order"], record["operator"]) == ("PASS", "WO-1", "E07")
    assert record["purpose"] == "outgoing" and not any("typed" in note for s in record["steps"] for note in s["notes"])
    shop.until(lambda: "run_ended WO-1" in shop.heard(), "run_ended")
    told = [one for one in shop.heard() if not one.startswith("label")]
    assert told == ["reset None", "accepted WO-1", "refused WO-1", "run_started WO-1", "run_ended WO-1"]
    shop.reach(lambda view: view["assigned"] == ["WO-2"], "the order is used up")
    shop.kill(shop.station)
    shop.start_station()
    view = shop.reach(lambda view: bool(view["assigned"]), "orders after the crash")
    assert view["assigned"] == ["WO-2"], "what was used up does not come back"


def test_the_centre_aborts_that_run_and_the_order_waits_again(shop: Shop) -> None:
    shop.command("assign", {**ASSIGN, "work_order": "WO-3"}, "a1")
    shop.stand_ready()
    assert shop.command("start", {"work_order": "WO-3"}, "s1")["status"] == "done"
    shop.scan("OP:E07", "SN:S1", "PL:asking")
    shop.reach(lambda view: view["state"] == "ready", "ready")
    shop.send("press start")
    run_id = shop.reach(lambda view: view["state"] == "prompt", "the prompt")["run"]["run_id"]
    other = shop.command("abort", {"run_id": "another"}, "x1")
    assert other["status"] == "refused" and run_id in other["reason"]
    assert shop.command("withdraw", {"work_order": "WO-3"}, "w1")["status"] == "refused"
    shop.scan("OP:E08")
    shop.until(lambda: "handover WO-3" in shop.heard(), "the handover")
    assert shop.command("abort", {"run_id": run_id}, "x2")["status"] == "done"
    record = shop.result(run_id)
    assert record["verdict"] == "ABORTED" and [h["operator"] for h in record["handovers"]] == ["E08"]
    assert record["operator"] == "E07"
    shop.reach(lambda view: view["assigned"] == ["WO-3"], "it waits again")
    assert shop.command("withdraw", {"work_order": "WO-3"}, "w2")["status"] == "done"
    assert shop.session()["assigned"] == []


def test_the_second_part_stands_on_the_first_and_refers_to_it(shop: Shop) -> None:
    shop.stand_ready()
    shop.command("assign", {**ASSIGN, "work_order": "WO-4"}, "a1")
    shop.scan("OP:E07", "WO:WO-4", "SN:S1", "PL:second-part")
    lacking = shop.reach(lambda view: view["lacking"] is not None, "what is missing is shown before START")["lacking"]
    assert lacking["code"] == "pass_missing" and "first-part" in lacking["text"]["zh"]
    shop.send("press start")
    shop.until(lambda: "refused WO-4" in shop.heard(), "the centre hears why")
    first = shop.run("PL:first-part")
    assert first["verdict"] == "PASS"
    shop.command("assign", {**ASSIGN, "work_order": "WO-4"}, "a2")
    second = shop.run("OP:E07", "WO:WO-4", "SN:S1", "PL:second-part")
    assert second["verdict"] == "PASS" and second["reference"]["run_id"] == first["run_id"]
    assert (second["reference"]["purpose"], second["reference"]["verdict"]) == ("outgoing", "PASS")
    elsewhere = {
        "run_id": "run-of-another-bench", "purpose": "outgoing", "verdict": "PASS", "date": utc_text(datetime.now(UTC)),
        "station": "bench-02", "plan": "first-part", "work_order": "WO-8", "serial_number": "S8",
    }  # fmt: skip
    order = {**ASSIGN, "work_order": "WO-8", "serial_number": "S8", "history": [elsewhere]}
    assert shop.command("assign", order, "a3")["status"] == "done"
    third = shop.run("OP:E07", "WO:WO-8", "SN:S8", "PL:second-part")
    assert third["verdict"] == "PASS"
    assert (third["reference"]["run_id"], third["reference"]["station"]) == ("run-of-another-bench", "bench-02")


def test_one_step_is_made_again_as_a_trial_with_what_safety_needs_before_it(shop: Shop) -> None:
    shop.stand_ready()
    shop.scan("OP:E07", "WO:WO-5", "SN:S1", "PR:example-a-100", "PL:asking/supply")
    shop.reach(lambda view: view["state"] == "ready", "ready")
    shop.send("press start")
    run_id = shop.reach(lambda view: view["state"] == "prompt", "the prompt")["run"]["run_id"]
    shop.send("press ok")
    record = shop.result(run_id)
    assert (record["purpose"], record["plan"]["id"]) == ("engineering", "asking/supply")
    assert [step["id"] for step in record["steps"]] == ["controls", "supply"], "what prepares is asked again"
    assert any("typed at the bench" in note for note in record["steps"][0]["notes"])


class UnsetShop(Shop):
    """The same on a machine whose clock nobody has set (as the tests' own container is)."""

    clock_is_set = False


@pytest.mark.skipif(ClockReader().read_clock().quality != "unsynced", reason="this machine's clock is set")
def test_without_a_clock_only_abort_is_taken_and_no_pass_is_within_a_day(tmp_path: Path) -> None:
    with UnsetShop(tmp_path) as shop:
        refused = shop.command("assign", {**ASSIGN, "work_order": "WO-6"}, "a1")
        assert refused["status"] == "refused" and "only abort is taken" in refused["reason"]
        assert shop.command("abort", {"run_id": "r"}, "x1")["reason"] == "no run is in progress"
        shop.stand_ready()
        shop.run("OP:E07", "WO:WO-6", "SN:S1", "PR:example-a-100", "PL:first-part")
        shop.scan("OP:E07", "WO:WO-6", "SN:S1", "PR:example-a-100", "PL:second-part")
        view = shop.reach(lambda view: view["lacking"] is not None and view["lacking"]["code"] == "pass_clock", "why")
        assert "时钟未同步" in view["lacking"]["text"]["zh"]


def test_ng_in_a_soak_ends_the_run_and_one_step_brings_what_safety_needs(shop: Shop) -> None:
    shop.stand_ready()
    shop.scan("OP:E07", "WO:WO-7", "SN:S1", "PR:example-a-100", "PL:outgoing-amplifier/soak")
    shop.reach(lambda view: view["state"] == "ready", "ready")
    shop.send("press start")
    pressed, run_id = False, ""
    for event in shop.watch(shop.technician(idle=True), limit_s=90.0):
        if event["kind"] == "run_started":
            run_id = event["data"]["run_id"]
        if event["kind"] == "progress" and event["data"]["step"] == "soak" and not pressed:
            pressed = True
            shop.send("press ng")
        if event["kind"] == "run_ended":
            break
    shop.wait_dead()
    record = shop.result(run_id)
    assert pressed and record["verdict"] == "ABORTED" and record["purpose"] == "engineering"
    assert [step["id"] for step in record["steps"]] == [
        "controls", "switched-on", "earth-bond", "insulation", "inrush", "touch-current", "idle-power", "dc-offset",
        "connection", "soak",
    ]  # fmt: skip
    assert [step["verdict"] for step in record["steps"][:-1]] == ["PASS"] * 9
    assert record["causes"][0]["text"].startswith("trip: stop, STOP; by a person's act")
