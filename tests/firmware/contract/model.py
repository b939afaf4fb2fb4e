"""What a guard may say: a model written from contracts/guard-line.md alone that follows a conversation as a referee.

It hears every byte the host writes and every line the guard sends, in the guard's own time (`up` of the status lines),
so the load of the machine does not blur it. Levels of inputs are taken as the guard reports them; everything that must
follow from them is foretold: answers and their reasons, states, causes and their order, K, H, the lock, ages, counters.
Where the page leaves a deadline to a millisecond's luck both outcomes are good.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from tests.firmware.contract.line import ANSWER, CAUSES, LIVE, Request, Status, request, status

NEEDS = {"ARM": ("SAFE",), "ON": ("ARMED",), "HV": ("SAFE",), "RESET": ("TRIPPED",), "UNLOCK": ("SAFE", "TRIPPED")}
EDGE_MS = 2  # two clocks of one millisecond each
LATE_MS = 5  # the page's own figure for a trip
LAPSE_MS = 10_000
CONTACT_MS = 100
DROP_MS = 5
PERIOD_MS = 500


@dataclass
class Model:
    """The guard as the page has it, from power-up on."""

    hb_ms: int = 300
    max_on_s: int = 9000
    bleed_s: int = 10
    state: str = "TRIPPED"
    causes: list[str] = field(default_factory=lambda: ["BOOT"])
    k: bool = False
    h: bool = False
    lock: bool = True
    session: str = ""
    seq: int = 0
    nonce: str = ""
    up: int = 0
    hb_up: int | None = None
    on_up: int = 0
    on_s: int = 0
    armed_up: int = 0
    k_off_up: int = 0
    off_up: int = 0  # K and H both off since; a guard cannot know what was before its power-up
    bad: int = 0
    pinned_fb: bool | None = None  # what a test holds the feedback at, and since when the guard shows it
    pinned_up: int | None = None
    beat_up: int = -PERIOD_MS  # the last status that nothing but time explains
    waiting: deque[tuple[Request, int]] = field(default_factory=deque)  # and the bad frames before it
    answered: tuple[Request, int, str] | None = None
    unfinished: bytes = b""
    granted: dict[str, int] = field(default_factory=lambda: dict.fromkeys("kh", 0))  # times that K, H might switch on

    @classmethod
    def of(cls, seen: Status, told: dict[str, str], session: str, seq: int) -> Model:
        """The model of a guard that is known by its last HELLO and status line alone."""
        hb_ms, max_on_s, bleed_s = (int(told[name]) for name in ("hb", "max_on", "bleed"))
        made = cls(hb_ms, max_on_s, bleed_s, seen.state, list(seen.causes), seen.k, seen.h, seen.lock)
        made.session, made.seq, made.nonce = session, seq, told["nonce"]
        made.up = made.k_off_up = made.off_up = seen.up
        made.bad, made.beat_up = seen.bad, seen.up - PERIOD_MS
        return made

    @property
    def owed(self) -> bool:
        """Whether an answer or its status line is still to come."""
        return bool(self.waiting or self.answered)

    # ---- what the host writes -----------------------------------------------------------------------------------
    def sent(self, raw: bytes) -> None:
        """Bytes on their way to the guard."""
        *lines, self.unfinished = (self.unfinished + raw).split(b"\n")
        for line in lines:
            asked = request(line)
            if asked is None:
                self.bad += 1
            else:
                self.waiting.append((asked, self.bad))

    def pin(self, level: bool | None) -> None:
        """The feedback is held at a level from about now on; None: it follows K."""
        self.pinned_fb, self.pinned_up = level, None

    # ---- what the guard sends -----------------------------------------------------------------------------------
    def received(self, body: str) -> Status | None:
        """Judge one line of the guard; returns it if it is a status line."""
        if not body.startswith("S "):
            match = ANSWER.fullmatch(body)
            assert match is not None, f"neither an answer nor a status line of the contract: {body!r}"
            assert self.answered is None, f"an answer where the status line of the one before belongs: {body!r}"
            assert self.waiting, f"an answer to nothing: {body!r}"
            asked, bad = self.waiting.popleft()
            assert (match["session"], int(match["seq"])) == (asked.session, asked.seq), f"{body!r} answers not {asked}"
            assert match["answer"].split(" ")[1] == asked.verb, f"{body!r} answers not {asked}"
            self.answered = (asked, bad, match["answer"])
            return None
        seen = status(body)
        assert seen.up >= self.up, f"time runs backwards: {body!r} after up={self.up}"
        before = (self.state, list(self.causes))
        asked_for = self.answered is not None
        bad = self.bad
        if self.answered is not None:
            asked, bad, text = self.answered
            self.answered = None
            self._judge(asked, text, seen)
        elif self.waiting:
            bad = self.waiting[0][1]
        self._time_passes(seen)
        if not asked_for and before == (self.state, self.causes):
            assert seen.up - self.beat_up >= PERIOD_MS - LATE_MS, f"a status line that nothing explains: {body!r}"
            self.beat_up = seen.up
        self._compare(seen, body, bad if asked_for else None)
        return seen

    def _judge(self, asked: Request, text: str, seen: Status) -> None:
        expected = self.expected(asked, seen)
        got = text.split(" ")[2] if text.startswith("NAK") else "OK"
        assert got in expected, f"{asked} in {self.state} {self.causes}: {text!r} instead of {expected}; {seen}"
        if asked.verb == "HELLO" or (asked.session == self.session and asked.seq > self.seq):
            self.seq = asked.seq
        if got == "OK":
            self._act(asked, text, seen.up)

    def expected(self, asked: Request, seen: Status) -> set[str]:
        """OK or the first reason that applies; two of them on the edge of a deadline."""
        if asked.verb in ("HELLO", "OFF", "STOP"):
            return {"OK"}
        if asked.session != self.session or asked.seq <= self.seq:
            return {"STALE"}
        if asked.verb in ("ARM", "HV") and asked.nonce != self.nonce:
            return {"STALE"}
        if self.state not in NEEDS.get(asked.verb, (self.state,)):
            return {"STATE"}
        longest = {"ON": self.max_on_s, "HV": 120}.get(asked.verb)
        if longest is not None and not 1 <= asked.n <= longest:
            return {"RANGE"}
        outcomes = set()
        if asked.verb in ("ARM", "HV"):
            age = self.hb_ms + 99 if self.hb_up is None else seen.up - self.hb_up
            if age >= self.hb_ms - EDGE_MS:
                outcomes.add("HEARTBEAT")
            if age > self.hb_ms + EDGE_MS:
                return outcomes
        if asked.verb in ("ARM", "HV", "RESET") and not seen.healthy:
            return outcomes | {"INPUT"}
        if asked.verb in ("ARM", "HV", "RESET", "UNLOCK") and seen.fb:
            return outcomes | {"FEEDBACK"}
        if asked.verb == "UNLOCK":
            rest = seen.up - self.off_up - self.bleed_s * 1000
            return {"BLEED"} if rest < -EDGE_MS else {"OK"} if rest > EDGE_MS else {"BLEED", "OK"}
        return outcomes | {"OK"}

    def _act(self, asked: Request, text: str, up: int) -> None:
        match asked.verb:
            case "HELLO":
                told = dict(item.split("=") for item in text.split(" ")[3:])
                self.hb_ms, self.max_on_s, self.bleed_s = (int(told[name]) for name in ("hb", "max_on", "bleed"))
                assert told["nonce"] != self.nonce, f"not a fresh nonce: {text!r}"
                self.session, self.nonce, self.hb_up = asked.session, told["nonce"], None
                if self.k or self.h:
                    self._trip("LINK", up)
                elif self.state == "ARMED":
                    self.state = "SAFE"
            case "HB":
                self.hb_up = up
            case "ARM":
                self.state, self.lock, self.armed_up = "ARMED", True, up
            case "ON" | "HV":
                self.k, self.h = asked.verb == "ON", asked.verb == "HV"
                self.state, self.on_up, self.on_s = ("ENERGISED" if self.k else "HV"), up, asked.n
                self.lock = True
                self.granted["k" if self.k else "h"] += 1
            case "OFF":
                self._off(up)
                self.state = "SAFE" if self.state in LIVE else self.state
            case "STOP":
                self._trip("HOST", up)
            case "RESET":
                self.state, self.causes = "SAFE", []
            case "UNLOCK":
                self.lock = False

    def _off(self, up: int) -> None:
        self.off_up = up if self.k or self.h else self.off_up
        self.k_off_up = up if self.k else self.k_off_up
        self.k = self.h = False

    def _trip(self, cause: str, up: int) -> None:
        if cause not in self.causes:
            self.causes.append(cause)
        self.state = "TRIPPED"
        self._off(up)

    # ---- what happens without being asked -----------------------------------------------------------------------
    def _time_passes(self, seen: Status) -> None:
        if self.pinned_up is None and seen.fb is self.pinned_fb:
            self.pinned_up = seen.up
        must, may = self._due(seen)
        new = seen.causes[len(self.causes) :]
        assert seen.causes[: len(self.causes)] == tuple(self.causes), f"causes {self.causes} became {seen.causes}"
        assert list(new) == sorted(new, key=CAUSES.index), f"causes of one pass out of the table's order: {seen}"
        assert set(new) <= may, f"trip without a reason: {set(new) - may} after up={self.up}; {seen}"
        assert must <= set(seen.causes), f"no trip for {must - set(seen.causes)}; {seen}"
        for cause in new:
            self._trip(cause, seen.up)
        if self.state == "ARMED" and seen.up - self.armed_up > LAPSE_MS - EDGE_MS and seen.state == "SAFE":
            self.state = "SAFE"
        assert self.state != "ARMED" or seen.up - self.armed_up <= LAPSE_MS + LATE_MS, f"ARMED for ever: {seen}"
        self.up = seen.up

    def _due(self, seen: Status) -> tuple[set[str], set[str]]:
        """Causes that must have tripped by now, and those that may."""
        must = {name.upper() for name in ("estop", "thermo") if not getattr(seen, name)}
        if self.state in LIVE and not seen.lid:
            must.add("LID")
        may = set(must)
        waits = []  # (cause, how long it is over its time)
        if self.state in LIVE and self.hb_up is not None:
            waits.append(("HEARTBEAT", seen.up - self.hb_up - self.hb_ms))
        if self.k or self.h:
            waits.append(("TIME", seen.up - self.on_up - self.on_s * 1000))
        for cause, over_ms in waits:
            may |= {cause} if over_ms >= -EDGE_MS else set()
            must |= {cause} if over_ms > LATE_MS else set()
        shown_ms = 0 if self.pinned_up is None else seen.up - self.pinned_up
        off_ms, on_ms = seen.up - self.k_off_up, seen.up - self.on_up
        if not self.k and seen.fb and off_ms >= CONTACT_MS - EDGE_MS:
            may.add("WELD")
            must |= {"WELD"} if min(shown_ms, off_ms) > CONTACT_MS + LATE_MS else set()
        if self.k and not seen.fb and on_ms >= CONTACT_MS - EDGE_MS:
            may.add("DROPOUT")
            must |= {"DROPOUT"} if min(shown_ms, on_ms - CONTACT_MS) > DROP_MS + LATE_MS else set()
        return must, may

    def _compare(self, seen: Status, body: str, bad: int | None) -> None:
        age = -1 if self.hb_up is None else seen.up - self.hb_up
        left = self.on_s - (seen.up - self.on_up) / 1000 if self.k or self.h else 0.0
        assert (seen.state, seen.k, seen.h, seen.lock) == (self.state, self.k, self.h, self.lock), f"{body!r}; {self}"
        assert abs(seen.hb_age - age) <= (0 if age < 0 else EDGE_MS), f"hb_age instead of {age}: {body!r}"
        assert abs(seen.on_left - left) <= (1 if self.k or self.h else 0), f"on_left instead of {left}: {body!r}"
        assert bad is None or seen.bad == bad, f"bad instead of {bad}: {body!r}"
        assert seen.bad <= self.bad, f"bad above {self.bad}: {body!r}"
