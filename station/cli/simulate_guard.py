"""`simulate --guard`: the guard firmware alone, for programs that speak the guard line (contracts/cli.md)."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from types import FrameType

from drivers.sim.guard import GuardTwin, OutputName


class _Quit(Exception):
    """A signal asks for the end."""


def serve_guard() -> int:
    """Run the guard until `quit`, the end of standard input or SIGTERM; the exit status."""
    said = threading.Lock()

    def say(text: str) -> None:
        with said:
            print(text, flush=True)

    def tell(name: OutputName, value: int, at_ns: int) -> None:
        try:
            say(f"{name} {value} {at_ns}")
        except OSError:  # nobody listens any more: the end, as for SIGTERM
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            signal.pthread_kill(main, signal.SIGTERM)

    main = threading.get_ident()
    twin = GuardTwin()
    previous = signal.signal(signal.SIGTERM, _quit)
    try:
        port = twin.start()
        say(json.dumps({"port": port}))
        twin.add_output_listener(tell)
        for line in iter(sys.stdin.buffer.readline, b""):
            words = line.decode(errors="replace").split()
            if words == ["quit"]:
                break
            if words and not _obey(twin, words):
                print(
                    f"{' '.join(words)!r}: use estop|lid|thermo 0|1, fb auto|0|1 or quit", file=sys.stderr, flush=True
                )
    except (_Quit, KeyboardInterrupt, BrokenPipeError):
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it is ending already
        twin.close()
        signal.signal(signal.SIGTERM, previous)
    return 0


def _obey(twin: GuardTwin, words: list[str]) -> bool:
    match words:
        case [("estop" | "lid" | "thermo") as name, ("0" | "1") as level]:
            twin.set_input(name, level == "1")
        case ["fb", ("auto" | "0" | "1") as feedback]:
            twin.set_feedback(feedback)
        case _:
            return False
    return True


def _quit(number: int, frame: FrameType | None) -> None:
    raise _Quit
