#!/usr/bin/env python3
"""Takes what benches send (results, events, alarms, replies): store once, commit, then a signed receipt.

    pip install 'paho-mqtt>=2' cryptography
    openssl genpkey -algorithm ed25519 -out receipts.pem && chmod 600 receipts.pem
    python receiver.py mqtt://127.0.0.1:1883 centre.sqlite receipts.pem
    python receiver.py mqtts://broker:8883 centre.sqlite receipts.pem --ca ca.pem --cert me.pem --cert-key me.key

A full disk, or a fault in here, ends the program, and nothing is lost by it: what has no receipt is sent again. Let
systemd start it again.
"""

import argparse
import base64
import hashlib
import json
import re
import sqlite3
from pathlib import Path
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from cryptography.hazmat.primitives.serialization import load_pem_private_key

TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS messages (
    msg_id TEXT PRIMARY KEY, kind TEXT, station TEXT, sha256 TEXT NOT NULL, ts TEXT, payload TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS results (
    run_id TEXT PRIMARY KEY, msg_id TEXT UNIQUE, station TEXT, work_order TEXT, serial_number TEXT, purpose TEXT,
    verdict TEXT, simulated INTEGER, ended_at TEXT, first_cause TEXT);
"""
MALFORMED = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError,
             sqlite3.InterfaceError, sqlite3.ProgrammingError, sqlite3.IntegrityError)  # fmt: skip


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def load_key(path):
    """The key that signs, under a name of its own; prints what the stations must know to believe it."""
    private = load_pem_private_key(Path(path).read_bytes(), None)
    public = private.public_key().public_bytes_raw()
    key_id = hashlib.sha256(public).hexdigest()[:16]
    print(f"receipt-keys.json of the stations: {json.dumps({key_id: base64url(public)})}", flush=True)
    return key_id, private


def receipt(key_id, private, msg_id, sha256, status, reason):
    """RFC 8785: of texts and null alone it is what json.dumps writes with sorted names and no spaces."""
    said = {"key_id": key_id, "msg_id": msg_id, "reason": reason, "sha256": sha256, "status": status}
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return json.dumps({**said, "sig": base64url(private.sign(canonical))})


def store(db, station, kind, payload, sha256, message):
    """One message in one transaction; returns status and reason for its receipt."""
    with db:
        row = (message["msg_id"], kind, station, sha256, message["ts"], payload.decode())
        fresh = db.execute("INSERT INTO messages VALUES (?,?,?,?,?,?) ON CONFLICT DO NOTHING", row).rowcount
        if fresh and kind == "result":
            body = message["body"]
            cause = body["causes"][0]["text"] if body["causes"] else None
            row = (body["run_id"], message["msg_id"], station, body["work_order"], body["dut"]["serial_number"],
                   body["purpose"], body["verdict"], body["simulated"], body["ended_at"], cause)  # fmt: skip
            db.execute("INSERT INTO results VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING", row)
    known = db.execute("SELECT sha256 FROM messages WHERE msg_id = ?", (message["msg_id"],)).fetchone()[0]
    if known != sha256:
        return "rejected", "this msg_id is stored with other bytes"
    return "stored" if fresh else "duplicate", None


def on_connect(client, userdata, flags, reason_code, properties):
    for kind in ("result", "event", "alarm", "reply"):  # put $share/NAME-KIND/ in front to divide them among workers
        client.subscribe(f"bench/v1/+/up/{kind}", qos=1)


def on_message(client, userdata, received):
    db, key_id, private = userdata
    _, _, station, _, kind = received.topic.split("/")
    sha256 = hashlib.sha256(received.payload).hexdigest()
    try:
        message = json.loads(received.payload)
        msg_id = re.fullmatch(rf"{station}:[0-9a-f]{{8,32}}:[0-9]{{1,18}}", message["msg_id"])[0]
    except MALFORMED as error:
        print(f"ALARM: {received.topic}: {error!r}", flush=True)
        return  # there is nothing that a receipt could name
    try:
        if not message["schema"].startswith(kind + "/1."):  # 1.x only adds fields: what we do not know we ignore
            raise ValueError(f"{message['schema']} on {received.topic}")
        status, reason = store(db, station, kind, received.payload, sha256, message)
    except MALFORMED as error:  # the station puts it aside, and a person looks at it there
        status, reason = "rejected", repr(error)[:1000]
    if status == "rejected":
        print(f"ALARM: {msg_id}: {reason}", flush=True)
    client.publish(f"bench/v1/{station}/dn/receipt", receipt(key_id, private, msg_id, sha256, status, reason), qos=1)


def main():
    parser = argparse.ArgumentParser()
    for name in ("broker", "database", "key", "--ca", "--cert", "--cert-key"):
        parser.add_argument(name)
    options = parser.parse_args()
    url = urlsplit(options.broker)
    db = sqlite3.connect(options.database)
    db.executescript(TABLES)
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5, userdata=(db, *load_key(options.key)))
    client.on_connect, client.on_message = on_connect, on_message
    if url.scheme == "mqtts":
        client.tls_set(options.ca, options.cert, options.cert_key)
    client.connect(url.hostname, url.port or (8883 if url.scheme == "mqtts" else 1883))
    client.loop_forever()  # connects again by itself; callbacks run in this thread, so an error in one ends the program


if __name__ == "__main__":
    main()
