"""What an onlooker of the broker sees of one run: every message after the contract, in order, receipted once."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path
from typing import Any

import jsonschema
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from station.contract.asyncapi import write_contract
from station.contract.keys import load_public_keys
from station.contract.receipts import verify_receipt
from tests.contract_messages.mutations import wrong_types
from tests.scenarios.live import PLAN, ROOT, Live

STATION = "bench-07"


class Onlooker:
    """Subscribes to everything; keeps (topic, payload, retained, QoS) in the order of arrival."""

    def __init__(self, host: str, port: int) -> None:
        self.seen: list[tuple[str, bytes, bool, int]] = []
        self._ready = threading.Event()
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "onlooker", protocol=mqtt.MQTTv5)
        self._client.on_message = self._hear
        self._client.on_subscribe = self._subscribed
        self._client.connect(host, port)
        self._client.loop_start()
        self._client.subscribe("bench/v1/#", qos=1)
        assert self._ready.wait(10.0)

    def _subscribed(
        self, client: mqtt.Client, data: Any, mid: int, codes: list[ReasonCode], properties: Properties | None
    ) -> None:
        self._ready.set()

    def _hear(self, client: mqtt.Client, data: Any, message: mqtt.MQTTMessage) -> None:
        self.seen.append((message.topic, message.payload, message.retain, message.qos))

    def of(self, name: str) -> list[tuple[bytes, dict[str, Any]]]:
        """Payloads of one kind, raw and parsed."""
        found = [payload for topic, payload, *_ in self.seen if topic.rsplit("/", 1)[1] == name]
        return [(payload, json.loads(payload)) for payload in found]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The generated schemas, from the files that `station contract` writes."""
    out = tmp_path_factory.mktemp("contract")
    write_contract(out)
    return {path.stem: json.loads(path.read_text()) for path in (out / "schemas").glob("*.json")}


@pytest.mark.timeout(120)
def test_every_message_of_a_run_is_as_the_contract_says(tmp_path: Path, schemas: dict[str, Any]) -> None:
    with Live(tmp_path, steps=("supply", "earth-bond", "insulation")) as live:  # long enough for telemetry
        onlooker = Onlooker("127.0.0.1", live.broker.port)
        try:
            run_id, _ = live.run_until(lambda event: event["kind"] == "run_ended")
            live.result(run_id)
            live.until(lambda: spoken_of(onlooker) >= 3, "three messages receipted")
            live.until(lambda: bool(onlooker.of("info")[-1][1]["body"]["instruments"]), "who takes part")
            live.station.terminate()
            assert live.station.wait(10.0) == 0
            live.until(lambda: onlooker.of("presence")[-1][1]["body"]["state"] == "offline", "the goodbye")
        finally:
            onlooker.close()
    check_messages(onlooker, schemas)
    check_schemas_refuse_faults(onlooker, schemas)
    check_order(onlooker, run_id)
    check_told(onlooker, run_id)
    check_receipts(onlooker)
    check_presence(onlooker)


@pytest.mark.timeout(120)
def test_the_will_speaks_when_the_daemon_is_killed_and_the_next_session_is_one_higher(tmp_path: Path) -> None:
    with Live(tmp_path) as live:
        onlooker = Onlooker("127.0.0.1", live.broker.port)
        try:
            live.until(lambda: bool(onlooker.of("presence")), "the birth")
            live.kill(live.station)
            live.until(lambda: len(onlooker.of("presence")) == 2, "the will")
            live.start_station()
            live.until(lambda: len(onlooker.of("presence")) == 3, "the second birth")
        finally:
            onlooker.close()
        birth, will, again = (body["body"] for _, body in onlooker.of("presence"))
        assert (birth["state"], will["state"], again["state"]) == ("online", "offline", "online")
        assert will["session"] == birth["session"] and again["session"] == birth["session"] + 1
        assert will["store_epoch"] == birth["store_epoch"] == again["store_epoch"]


def check_messages(onlooker: Onlooker, schemas: dict[str, Any]) -> None:
    """Topic, envelope, body by its schema, QoS."""
    unnumbered: list[str] = []
    for topic, payload, _, qos in onlooker.seen:
        parts = topic.split("/")
        assert parts[:3] == ["bench", "v1", STATION] and len(parts) == 5, topic
        message = json.loads(payload)
        name = parts[4]
        if parts[3] == "dn":
            assert name == "receipt", f"nobody commands here: {topic}"
            jsonschema.validate(message, schemas["receipt-1.0"])
            continue
        assert message["schema"] == f"{name}/1.0" and message["station"] == STATION
        assert set(message) == {"schema", "msg_id", "station", "ts", "clock", "body"}
        assert set(message["clock"]) == {"quality", "max_error_ms", "boot_id", "monotonic_ns"}
        assert message["ts"].endswith("Z") and len(payload) <= 256 * 1024
        jsonschema.validate(message["body"], schemas[f"{name}-1.0"])
        assert qos == 1 or name == "telemetry", "iotcore gives telemetry the subscription's; see tests/telling"
        unnumbered.append(message["msg_id"])
    assert len(set(unnumbered)) == len(unnumbered), "no number is used twice"
    kinds = {topic.rsplit("/", 1)[1] for topic, *_ in onlooker.seen}
    assert {"presence", "info", "progress", "telemetry", "alarm_active", "event", "result", "receipt"} <= kinds


def check_schemas_refuse_faults(onlooker: Onlooker, schemas: dict[str, Any]) -> None:
    """A schema that takes everything would have passed: each value of a wrong type in what really flowed is refused."""
    for name in ("presence", "info", "progress", "telemetry", "alarm_active", "event", "alarm", "result"):
        validator = jsonschema.Draft202012Validator(schemas[f"{name}-1.0"])
        body = max((message["body"] for _, message in onlooker.of(name)), key=lambda body: len(json.dumps(body)))
        faults = list(wrong_types(body))
        assert len(faults) >= 3
        assert [path for path, wrong in faults if validator.is_valid(wrong)] == [], name


def check_order(onlooker: Onlooker, run_id: str) -> None:
    """`run_started` before `run_ended`, one result with the run's verdict, numbers of the outbox without a gap."""
    events = [body["body"] for _, body in onlooker.of("event")]
    of_run = [event["event"] for event in events if event["run_id"] == run_id]
    assert of_run == ["run_started", "run_ended"]
    (result,) = onlooker.of("result")
    assert result[1]["body"]["run_id"] == run_id and result[1]["body"]["verdict"] == "PASS"
    assert events[-1]["reason"] == "PASS"
    numbered = [body["msg_id"] for name in ("event", "result", "alarm", "reply") for _, body in onlooker.of(name)]
    assert sorted(int(number.rsplit(":", 1)[1]) for number in numbered) == list(range(1, len(numbered) + 1))
    runs = [body["body"]["run_id"] for _, body in onlooker.of("progress")]
    assert run_id in runs and runs[-1] is None, "retained progress ends without a run"


def check_told(onlooker: Onlooker, run_id: str) -> None:
    """What is told beside the outbox: who this is, what is latched now, what was read in the run."""
    info = [body["body"] for _, body in onlooker.of("info")][-1]
    assert {"mains", "temperature"} <= {one["role"] for one in info["instruments"]} and len(info["config_sha256"]) == 64
    assert {"simulated", "verb:abort", f"plan:{PLAN}:outgoing:audio-amplifier"} <= set(info["capabilities"])
    latched = [[alarm["code"] for alarm in body["body"]["alarms"]] for _, body in onlooker.of("alarm_active")]
    assert latched[0] and latched[-1] == [], "tripped at its start, as every bench, and after RESET nothing"
    telemetry = [body["body"] for _, body in onlooker.of("telemetry")]
    assert {body["run_id"] for body in telemetry} == {run_id}
    assert all(1.0 <= body["seconds"] <= 5.0 and "mains.power_w" in body["readings"] for body in telemetry)


def spoken_of(onlooker: Onlooker) -> int:
    """How many messages the receipts speak of."""
    return sum(1 + len(body.get("also", ())) for _, body in onlooker.of("receipt"))


def check_receipts(onlooker: Onlooker) -> None:
    """Of each numbered message one receipt speaks, signed by the centre, of its exact bytes."""
    keys = load_public_keys(ROOT / "var" / "keys" / "receipt-keys.json")
    receipts = [verify_receipt(payload, keys) for payload, _ in onlooker.of("receipt")]
    sent = {
        body["msg_id"]: hashlib.sha256(payload).hexdigest()
        for name in ("event", "result", "alarm") for payload, body in onlooker.of(name)
    }  # fmt: skip
    told = [spoken for receipt in receipts for spoken in receipt.speaks_of]
    assert dict(told) == sent and len(told) == len(sent)
    assert {receipt.status for receipt in receipts} == {"stored"}


def check_presence(onlooker: Onlooker) -> None:
    """Birth and goodbye of one session, each with the store's epoch."""
    births = [body["body"] for _, body in onlooker.of("presence")]
    assert [body["state"] for body in births] == ["online", "offline"]
    assert len({(body["store_epoch"], body["session"]) for body in births}) == 1
    epoch = births[0]["store_epoch"]
    assert all(body["msg_id"].split(":")[1] == epoch for _, body in onlooker.of("result"))
