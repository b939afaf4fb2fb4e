"""One message of each kind as it was on the wire, for the published documents: values of a real run of `self-test`.

They are signed with the key of RFC 8032, section 7.1, test 1. Its private half is printed there: it proves how to sign
and nothing else, and belongs into no file of a real centre or station.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from station.contract.commands import ARGS, make_command
from station.contract.envelope import Stamp, seal, sha256_of
from station.contract.keys import SigningKey
from station.contract.receipts import make_receipt
from station.domain.record import ClockStamp

SECRET = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
KEY = SigningKey("rfc8032-test-1", Ed25519PrivateKey.from_private_bytes(bytes.fromhex(SECRET)))
STATION, EPOCH, WORK_ORDER = "bench-07", "b42b74fb", "WO-DEMO-1"
RUN_ID = "01a204bf-a4d2-7eb6-b70f-81c6cec13bfd"
CLOCK = ClockStamp("synced", 12.0, "4c3e25f6-bb6c-4a2d-828c-777d7b0ca4e9")
_EVENT = {"event": "run_ended", "work_order": WORK_ORDER, "run_id": RUN_ID, "reason": "PASS"}
_ALARM = {"code": "G01", "cause": "guard, BOOT; blames the station", "run_id": None, "at": "2026-11-22T19:33:17.513Z"}
_MAINS = {"role": "mains", "kind": "pzem-016", "model": "PZEM-016", "serial_number": None, "calibrated_until": None}
_MEASURED = {
    "name": "supply_v", "value": 230.0, "unit": "V", "verdict": "PASS", "low": 198.0, "high": 253.0,
    "uncertainty": 1.38564, "conditions": {},
    "limit_source": "220 V less 10 % (GB/T 12325, secondary) to 230 V and 10 % (IEC 60038, secondary)",
}  # fmt: skip
_STEP = {
    "id": "supply", "use": "self_test", "title": {"zh": "供电电压", "en": "Supply voltage"}, "verdict": "PASS",
    "attempt": 1, "started_at": "2026-11-22T19:33:18.178Z", "duration_s": 0.0, "measurements": [_MEASURED],
    "curves": [], "notes": ["the work order was typed at the bench, not assigned by the centre"],
}  # fmt: skip
_PLAN = {
    "id": "self-test", "revision": "1", "label": False,
    "sha256": "e56eb4020fdf72ca1ba54b3b126352d7eebb16a765f2245d7a9aa484073f5c3b",
}  # fmt: skip
_CONFIG_SHA256 = "4420804e2d4de3424b3e2cbd10ed12c1b0540ddab2dace78e51339064761b49f"
_RECORD: Mapping[str, Any] = {
    "run_id": RUN_ID, "run_no": 1, "purpose": "engineering", "work_order": WORK_ORDER, "operator": "demo-0042",
    "second_operator": None, "repair_engineer": None,
    "dut": {"product": "example-a-100", "maker": "Example", "model": "A-100", "serial_number": "DEMO-0001"},
    "plan": _PLAN, "station": STATION, "software": "0.1.0", "config_sha256": _CONFIG_SHA256, "simulated": True,
    "speed": 240.0, "started_at": "2026-11-22T19:33:18.162Z", "ended_at": "2026-11-22T19:33:18.221Z",
    "clock": {"quality": "synced", "max_error_ms": 12.0, "boot_id": CLOCK.boot_id}, "duration_s": 0.0,
    "verdict": "PASS", "causes": [], "steps": [_STEP], "trips": [], "findings": [], "parts": [],
    "instruments": [_MAINS], "reference": None, "handovers": [],
}  # fmt: skip
_UP: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "presence": ("p1000000001", "19:33:17.201", {"state": "online", "store_epoch": EPOCH, "session": 1}),
    "info": ("p1000000002", "19:33:17.202", {
        "software": "0.1.0", "capabilities": ["plan:self-test:engineering:any", "verb:assign", "simulated"],
        "instruments": [_MAINS], "certificate_expires_at": "2027-11-22T00:00:00Z", "config_revision": None,
        "config_sha256": _CONFIG_SHA256, "last_apply_error": None,
    }),
    "progress": ("p1000000003", "19:33:18.175", {
        "state": "safe_testing", "work_order": WORK_ORDER, "run_id": RUN_ID, "plan": "self-test", "step": "supply",
        "fraction": 0.0, "expected_end": None, "prompt": None,
    }),
    "telemetry": ("p1000000004", "19:33:20.175", {
        "run_id": RUN_ID, "step": "soak", "seconds": 2.0,
        "readings": {"mains.power_w": {"mean": 303.4, "low": 301.9, "high": 304.8}},
    }),
    "event": ("4", "19:33:18.230", _EVENT),
    "result": ("5", "19:33:18.231", _RECORD),
    "alarm": ("1", "19:33:17.514", _ALARM),
    "alarm_active": ("p1000000005", "19:33:17.515", {"alarms": [_ALARM]}),
    "reply": ("6", "19:33:30.040", {"cmd_id": "centre-000184", "status": "done", "reason": None}),
}  # fmt: skip
_ARGS: Mapping[str, Mapping[str, Any]] = {
    "assign": {
        "work_order": "WO-20261122-0173", "product": "example-a-100", "serial_number": "A100-4711",
        "purpose": "outgoing", "priority": 5, "fault_code": "no-output", "repair_engineer": "E-17",
        "parts": [{"name": "2SC5200", "number": "Q3", "quantity": 2, "source": "stock"}],
        "history": [{
            "id": "01a1f0aa-93c1-7d02-8a77-1f0c3b6d2e90", "purpose": "incoming", "verdict": "FAIL",
            "date": "2026-11-20T06:11:09Z", "causes": ["output_power_w left: 0 W, at least 100 W"],
            "measurements": {"idle_power_w": 38.1, "output_power_w/left": 0.0, "output_power_w/right": 108.2},
        }],
    },
    "withdraw": {"work_order": "WO-20261122-0173"},
    "start": {"work_order": "WO-20261122-0173"},
    "abort": {"run_id": RUN_ID},
    "identify": {},
    "resend": {"from_seq": 120, "to_seq": 184},
    "apply": {
        "sha256": "7dcad2872574a2ed36b23d5cb8f81b7ada6c1c34c6f29f49249833103638ac6f",
        "tree": "H4sIAAAAAAACA+3NwQrCMBCE4T37FKF3ZdtGPfkwaQm0YFIw6/ubehG8K5T+32WGuUyxYPOST7aku/yIVhfv31l9p2rXffq6t9q3"
        "Z3Eqf/AsFh71XvYphxTdzTVDzON01GtzEAAAAAAAAAAAAAAAAADABrwAeyZHTQAoAAA=",
    },
}  # fmt: skip


def payload_of(name: str) -> bytes:
    """The exact bytes of the example on `up/NAME`."""
    number, time, body = _UP[name]
    stamp = Stamp(f"2026-11-22T{time}Z", CLOCK, 34_066_471_398_059)
    return seal(name, dict(body), f"{STATION}:{EPOCH}:{number}", STATION, stamp)


def receipt() -> bytes:
    """The receipt for the example on `up/event`."""
    return make_receipt(f"{STATION}:{EPOCH}:4", sha256_of(payload_of("event")), "stored", KEY)


def command(verb: str) -> bytes:
    """A command with this verb."""
    return make_command(
        KEY, STATION, verb, _ARGS[verb], cmd_id="centre-000184", issued_at="2026-11-22T19:33:30Z",
        expires_at="2026-11-22T19:38:30Z",
    )  # fmt: skip


def examples_of(name: str) -> dict[str, bytes]:
    """Payloads on the topic that ends in `name`, each under a name."""
    if name == "cmd":
        return {verb: command(verb) for verb in ARGS if verb in _ARGS}
    return {name: receipt() if name == "receipt" else payload_of(name)}
