"""What is told, as a subscriber of a real broker gets it: service, expiry, retained or not, and after a break."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt

from station.contract.bodies import Aggregate, Alarm, AlarmActive, Info, Progress, Telemetry
from station.contract.keys import new_key
from tests.servers.mosquitto import Mosquitto
from tests.uplink.rig import STATION, TS, Bench, open_store, until

ALARM = Alarm(code="G02", cause="guard, ESTOP; by a person's act", at=TS)


class Subscriber:
    """Everything of one bench, by topic's end, as it came."""

    def __init__(self, broker: Mosquitto) -> None:
        self.seen: list[tuple[str, mqtt.MQTTMessage]] = []
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_message = lambda client, data, message: self.seen.append(
            (message.topic.rsplit("/", 1)[1], message)
        )
        self._client.connect("127.0.0.1", broker.port)
        self._client.subscribe(f"bench/v1/{STATION}/up/#", qos=1)
        self._client.loop_start()

    def bodies(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(message.payload)["body"] for kind, message in list(self.seen) if kind == name]

    def first(self, name: str) -> mqtt.MQTTMessage:
        return next(message for kind, message in self.seen if kind == name)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


async def test_telemetry_expires_what_is_latched_is_retained_and_a_new_broker_hears_it_again(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "broker") as broker:
        bench = Bench(await open_store(tmp_path / "s.sqlite"), broker.url, new_key())
        early = Subscriber(broker)
        try:
            bench.uplink.retain("info", Info(software="1"))
            bench.uplink.retain("progress", Progress(state="tripped"))
            bench.uplink.retain("alarm_active", AlarmActive(alarms=(ALARM,)))
            await until(lambda: len(early.bodies("alarm_active")) == 1, "the snapshot")
            bench.uplink.telemetry(
                Telemetry(run_id="r", seconds=2.0, readings={"mains.power_w": Aggregate(mean=1.0, low=0.5, high=2.0)})
            )
            await until(lambda: bool(early.bodies("telemetry")), "telemetry")
            message = early.first("telemetry")
            assert (message.qos, message.retain) == (0, False)
            assert message.properties is not None and 0 < message.properties.MessageExpiryInterval <= 60
            early.close()
            late = Subscriber(broker)
            await until(lambda: {"presence", "info", "progress", "alarm_active"} <= {k for k, _ in late.seen}, "all")
            assert all(message.retain for _, message in late.seen) and late.bodies("telemetry") == []
            late.close()
            broker.kill()
            bench.uplink.retain("alarm_active", AlarmActive())
            broker.start()
            after = Subscriber(broker)
            await until(lambda: bool(after.bodies("alarm_active")), "the snapshot at a broker that forgot everything")
            assert after.bodies("alarm_active")[-1] == {"alarms": []} and after.bodies("info")[-1]["software"] == "1"
            after.close()
        finally:
            early.close()
            await bench.close()
            await asyncio.sleep(0)
