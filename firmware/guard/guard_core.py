"""The guard's mind: time and inputs in, outputs and lines out. Pure: no pin, no clock, no serial port lives here.

The contract is contracts/guard-line.md. What may follow what stands in the tables below: `NEXT` (states and
transitions), `VERBS` (arguments and the order of refusals) and `TRIPS` (causes in the order that counts). K, H and the
lamps are functions of the state; nothing sets them otherwise. Every timer is an age that stops at `CAP`, so the
wrap-around of the millisecond ticks changes nothing. Runs under MicroPython and CPython alike.
"""

VERSION = "1.0.0"

SAFE = "SAFE"
ARMED = "ARMED"
ENERGISED = "ENERGISED"
HV = "HV"
TRIPPED = "TRIPPED"
STATES = (SAFE, ARMED, ENERGISED, HV, TRIPPED)
LIVE = (ARMED, ENERGISED, HV)

TRIP = "trip"  # any cause of TRIPS
LAPSE = "lapse"  # ARMED for 10 s without ON

# (state, event) -> state. A verb that is missing for a state is refused there with STATE.
NEXT = {
    (SAFE, "ARM"): ARMED,
    (SAFE, "HV"): HV,
    (SAFE, "OFF"): SAFE,
    (SAFE, "UNLOCK"): SAFE,
    (SAFE, "HELLO"): SAFE,
    (SAFE, TRIP): TRIPPED,
    (ARMED, "ON"): ENERGISED,
    (ARMED, "OFF"): SAFE,
    (ARMED, LAPSE): SAFE,
    (ARMED, "HELLO"): SAFE,
    (ARMED, TRIP): TRIPPED,
    (ENERGISED, "OFF"): SAFE,
    (ENERGISED, "HELLO"): TRIPPED,
    (ENERGISED, TRIP): TRIPPED,
    (HV, "OFF"): SAFE,
    (HV, "HELLO"): TRIPPED,
    (HV, TRIP): TRIPPED,
    (TRIPPED, "RESET"): SAFE,
    (TRIPPED, "OFF"): TRIPPED,
    (TRIPPED, "UNLOCK"): TRIPPED,
    (TRIPPED, "HELLO"): TRIPPED,
    (TRIPPED, TRIP): TRIPPED,
}
ANYWHERE = ("HB", "STAT", "STOP")  # verbs without a row: they change no state (STOP trips)

NO_ARGUMENT, NONCE, SECONDS, NONCE_SECONDS = 0, 1, 2, 3

# verb -> (argument, reasons to refuse after STALE and STATE, in the order of the contract)
VERBS = {
    "HELLO": (NO_ARGUMENT, ()),
    "HB": (NO_ARGUMENT, ()),
    "ARM": (NONCE, ("HEARTBEAT", "INPUT", "FEEDBACK")),
    "ON": (SECONDS, ("RANGE",)),
    "HV": (NONCE_SECONDS, ("RANGE", "HEARTBEAT", "INPUT", "FEEDBACK")),
    "OFF": (NO_ARGUMENT, ()),
    "STOP": (NO_ARGUMENT, ()),
    "RESET": (NO_ARGUMENT, ("INPUT", "FEEDBACK")),
    "UNLOCK": (NO_ARGUMENT, ("FEEDBACK", "BLEED")),
    "STAT": (NO_ARGUMENT, ()),
}

CAP = 999999999  # ages and counters stop here; it is a small integer on the RP2040
TICKS_MASK = 0x3FFFFFFF  # ticks_ms of the RP2040 wraps here; the other ports' wrap at a multiple of it
SEQ_MAX = 2147483647
HV_MAX_S = 120
DEBOUNCE_MS = 50
MOVE_MS = 100  # a contactor has moved by then
DROPOUT_MS = 5
LAPSE_MS = 10000
STATUS_MS = 500
BOUNDS = (("hb_ms", 50, 1000), ("max_on_s", 1, 86400), ("bleed_s", 0, 600))

# (cause, states in which it counts, condition of a `Guard`), in the order that counts within one pass.
# BOOT is latched by the constructor, LINK and HOST by frames; they are listed where the contract ranks them.
TRIPS = (
    ("BOOT", (), None),
    ("ESTOP", STATES, lambda guard: not guard.estop),
    ("THERMO", STATES, lambda guard: not guard.thermo),
    ("LID", LIVE, lambda guard: not guard.lid),
    ("HEARTBEAT", LIVE, lambda guard: guard.hb_age > guard.hb_ms),
    ("TIME", (ENERGISED, HV), lambda guard: guard.state_age >= guard.bound_s * 1000),
    ("WELD", STATES, lambda guard: guard.fb and not guard.k and guard.k_age >= MOVE_MS),
    ("DROPOUT", (ENERGISED,), lambda guard: guard.open_ms() >= DROPOUT_MS),
    ("LINK", (), None),
    ("HOST", (), None),
)
# what a pass looks at in each state: TRIPS, sorted out once
_WATCH = {state: tuple((cause, holds) for cause, states, holds in TRIPS if state in states) for state in STATES}

REFUSALS = {
    "RANGE": lambda guard, verb, n: not 1 <= n <= (HV_MAX_S if verb == "HV" else guard.max_on_s),
    "HEARTBEAT": lambda guard, verb, n: guard.hb_age < 0 or guard.hb_age >= guard.hb_ms,
    "INPUT": lambda guard, verb, n: not (guard.estop and guard.lid and guard.thermo),
    "FEEDBACK": lambda guard, verb, n: guard.fb,
    "BLEED": lambda guard, verb, n: guard.off_age < guard.bleed_s * 1000,
}


def number(text):
    """The value of `0` or `[1-9][0-9]*`, or -1 if `text` is malformed."""
    if not text or (text[0] == "0" and text != "0"):
        return -1
    for letter in text:
        if letter not in "0123456789":
            return -1
    return int(text)


def hex8(text):
    """Whether `text` is eight lower-case hexadecimal digits."""
    return len(text) == 8 and all(letter in "0123456789abcdef" for letter in text)


def older(age, passed_ms):
    """An age after `passed_ms` more; it stops at `CAP`."""
    age += passed_ms
    return age if age < CAP else CAP


class Input:
    """A trip input: unhealthy at once, healthy again after 50 ms without a break."""

    def __init__(self, level):
        self.healthy = level
        self._age = DEBOUNCE_MS

    def see(self, level, passed_ms):
        if not level:
            self.healthy = False
            self._age = -1
        elif self._age < 0:
            self._age = 0
        elif not self.healthy:
            self._age += passed_ms
            self.healthy = self._age >= DEBOUNCE_MS
        return self.healthy


class Guard:
    """One guard from its power-up on. Call `step` on every pass, then `frame` for each body received.

    `fresh` returns eight random lower-case hexadecimal digits; `send` takes the bodies (str) of what is to go out.
    """

    def __init__(self, fresh, send, hb_ms=300, max_on_s=9000, bleed_s=10):
        for (name, low, high), value in zip(BOUNDS, (hb_ms, max_on_s, bleed_s)):
            if not low <= value <= high:
                raise ValueError("%s is %d; it must be %d to %d" % (name, value, low, high))
        self.hb_ms, self.max_on_s, self.bleed_s = hb_ms, max_on_s, bleed_s
        self._fresh, self._send = fresh, send
        self._boot = fresh()
        self._nonce = None
        self._session = None
        self._seq = 0
        self.state, self.cause, self.also = TRIPPED, "BOOT", ()
        self._news = True  # state, cause or also changed since the last status line
        self.lock = True
        self.led = False  # toggles at every accepted HB
        self.bad = 0
        self.bound_s = 0
        self._ticks = None
        self._inputs = None
        self._well = False  # all three inputs healthy
        self.estop = self.lid = self.thermo = False
        self.fb = False
        self.up = 0
        self.hb_age = -1
        self.state_age = self.k_age = self.off_age = self.fb_age = self._status_age = 0

    @property
    def k(self):
        """K is driven."""
        return self.state == ENERGISED

    @property
    def h(self):
        """H is driven."""
        return self.state == HV

    @property
    def red(self):
        """The lamp for "voltage, or about to be"."""
        return self.fb or self.state in LIVE

    @property
    def green(self):
        """The lamp for "ready, dead"."""
        return self.state == SAFE and not self.fb

    def open_ms(self):
        """How long the feedback has been open, counted from 100 ms after K on."""
        return -1 if self.fb or self.k_age < MOVE_MS else min(self.fb_age, self.k_age - MOVE_MS)

    def leave_ms(self):
        """For how long K or H may stand if nothing else is heard: what is left of heartbeat and bound; 0 when off."""
        if not (self.k or self.h):
            return 0
        return max(0, min(self.hb_ms - self.hb_age, self.bound_s * 1000 - self.state_age))

    def due_ms(self):
        """For how long `step` would do nothing if no input changed and no frame came; at least 1.

        An input that becomes healthy is nothing: it only matters to a frame, and a pass comes before each.
        """
        due = STATUS_MS - self._status_age
        if self.state in LIVE:
            due = min(due, self.hb_ms - self.hb_age + 1)
        if self.state == ARMED:
            due = min(due, LAPSE_MS - self.state_age)
        if self.k or self.h:
            due = min(due, self.bound_s * 1000 - self.state_age)
        if self.k and not self.fb:
            due = min(due, max(DROPOUT_MS - self.fb_age, MOVE_MS + DROPOUT_MS - self.k_age))
        if self.fb and not self.k and self.k_age < MOVE_MS:
            due = min(due, MOVE_MS - self.k_age)
        return max(1, due)

    def step(self, ticks, estop, lid, thermo, fb):
        """One pass: `ticks` in ms (any wrap of a multiple of 2**30), raw inputs (True: healthy), feedback closed."""
        self._advance(0 if self._ticks is None else (ticks - self._ticks) & TICKS_MASK, estop, lid, thermo, fb)
        self._ticks = ticks
        found = ()  # every cause of this pass is judged before any acts
        for cause, holds in _WATCH[self.state]:
            if holds(self):
                found += (cause,)
        for cause in found:
            self._trip(cause)
        if self.state == ARMED and self.state_age >= LAPSE_MS:
            self._enter(NEXT[ARMED, LAPSE])
        if self._news or self._status_age >= STATUS_MS:
            self._status()

    def _advance(self, passed_ms, estop, lid, thermo, fb):
        self.up = older(self.up, passed_ms)
        self.state_age = older(self.state_age, passed_ms)
        self.k_age = older(self.k_age, passed_ms)
        self._status_age += passed_ms
        if self.hb_age >= 0:
            self.hb_age = older(self.hb_age, passed_ms)
        self.off_age = older(self.off_age, passed_ms)  # counts from the last time K or H went off, or power-up
        if fb == self.fb:
            self.fb_age = older(self.fb_age, passed_ms)
        else:
            self.fb, self.fb_age = fb, 0
        if self._well and estop and lid and thermo:
            return
        if self._inputs is None:
            self._inputs = Input(estop), Input(lid), Input(thermo)
        self.estop = self._inputs[0].see(estop, passed_ms)
        self.lid = self._inputs[1].see(lid, passed_ms)
        self.thermo = self._inputs[2].see(thermo, passed_ms)
        self._well = self.estop and self.lid and self.thermo

    def dropped(self):
        """A line came that is no frame: counted, not answered, not acted on."""
        self.bad = min(self.bad + 1, CAP)

    def frame(self, body):
        """Act on the body of a frame whose CRC was right, and answer it."""
        fields = body.split(" ")
        argument = self._argument(fields)
        if argument is None:
            self.dropped()
            return
        session, seq, verb = fields[0], number(fields[1]), fields[2]
        current = session == self._session and seq > self._seq
        if current:
            self._seq = seq
        reason = self._refusal(verb, current, argument)
        if reason:
            self._send("%s %d NAK %s %s" % (session, seq, verb, reason))
        else:
            if verb == "HELLO":
                self._session, self._seq = session, seq
            self._send("%s %d OK %s" % (session, seq, self._act(verb, argument)))
        self._status()

    def _argument(self, fields):
        """(nonce, n) of a well-formed frame, None for one that is to be dropped."""
        if len(fields) < 3 or fields[2] not in VERBS or not hex8(fields[0]) or not 1 <= number(fields[1]) <= SEQ_MAX:
            return None
        kind = VERBS[fields[2]][0]
        if len(fields) != (3 if kind == NO_ARGUMENT else 4):
            return None
        if kind == NO_ARGUMENT:
            return "", 0
        text = fields[3]
        if kind == NONCE:
            return (text, 0) if text else None
        nonce, colon, digits = text.partition(":") if kind == NONCE_SECONDS else ("", ":", text)
        n = number(digits)
        return (nonce, n) if colon and n >= 0 else None

    def _refusal(self, verb, current, argument):
        """The first reason that applies, or None."""
        if verb in ("HELLO", "OFF", "STOP"):
            return None
        kind, reasons = VERBS[verb]
        nonce, n = argument
        if not current or (kind in (NONCE, NONCE_SECONDS) and nonce != self._nonce):
            return "STALE"
        if verb not in ANYWHERE and (self.state, verb) not in NEXT:
            return "STATE"
        for reason in reasons:
            if REFUSALS[reason](self, verb, n):
                return reason
        return None

    def _act(self, verb, argument):
        """Do what was accepted; returns the rest of the answer, from the verb on."""
        if verb == "HB":
            self.hb_age = 0
            self.led = not self.led
        elif verb == "STOP":
            self._trip("HOST")
        elif verb == "HELLO":
            return self._hello()
        elif verb in ("ON", "HV"):
            self.bound_s = argument[1]
        elif verb == "UNLOCK":
            self.lock = False
        elif verb == "RESET":
            self.cause, self.also = "-", ()
        if verb in ("ARM", "HV"):
            self.lock = True
        if verb not in ANYWHERE:
            self._enter(NEXT[self.state, verb])
        return verb

    def _hello(self):
        if NEXT[self.state, "HELLO"] == TRIPPED and self.state != TRIPPED:
            self._trip("LINK")
        self._enter(NEXT[self.state, "HELLO"])
        self.hb_age = -1
        self._nonce = self._fresh()
        return "HELLO guard/1 fw=%s boot=%s nonce=%s hb=%d max_on=%d bleed=%d" % (
            VERSION, self._boot, self._nonce, self.hb_ms, self.max_on_s, self.bleed_s,
        )

    def _trip(self, cause):
        if self.state != TRIPPED:
            self._enter(NEXT[self.state, TRIP])
            self.cause, self.also = cause, ()
        elif cause != self.cause and cause not in self.also:
            self.also += (cause,)
            self._news = True

    def _enter(self, state):
        if state != self.state:
            if ENERGISED in (state, self.state):
                self.k_age = 0
            if self.k or self.h:
                self.off_age = 0
            self.state = state
            self.state_age = 0
            self._news = True

    def _status(self):
        self._news = False
        self._status_age = 0
        left_s = (self.bound_s * 1000 - self.state_age + 999) // 1000 if self.k or self.h else 0
        self._send(
            "S state=%s k=%d h=%d lock=%d fb=%d estop=%d lid=%d thermo=%d cause=%s also=%s hb_age=%d on_left=%d bad=%d up=%d"
            % (
                self.state, self.k, self.h, self.lock, self.fb, self.estop, self.lid, self.thermo,
                self.cause, ",".join(self.also) or "-", self.hb_age, left_s, self.bad, self.up,
            )
        )
