"""A Pico in virtual time for MicroPython: `rp2040_board.py GUARD SEED [SCENE [SECONDS]]` runs main.py.

What this board does as documented: interrupts come between any two calls of the main loop unless they are disabled;
hard handlers, and whatever runs with interrupts disabled, may not allocate (the heap is locked); the timer is hard; the
console has room for a few bytes or none; a read without a byte would block; the loop is held up at random (a
collection, the USB stack) while interrupts go on. Chance comes from SEED. Standard output is one line of JSON: each
rule that was broken, what happened, and how often. Run by test_guard_on_rp2040.py.
"""

# ruff: noqa: E402, UP031 (MicroPython; the modules of the board come before main.py)

import sys as _sys

_GUARD, _SEED = _sys.argv[1], int(_sys.argv[2])
_SCENE = _sys.argv[3] if len(_sys.argv) > 3 else "chaos"
_SECONDS = int(_sys.argv[4]) if len(_sys.argv) > 4 else 8
_sys.path.insert(0, _GUARD)

import gc
import json

import micropython
from rp2040_host import Host

K, H, RELEASE, RED, GREEN = 2, 3, 4, 10, 11
CUT = (K, H)
TRIP_PINS = (6, 7, 8)
MIRROR, SERVICE = 9, 15
HB_US, GRACE_US = 300_000, 5_000
ROOM = 256


class Over(Exception):
    """The end of the scene."""


class Board:
    """Time, interrupts and everything that is wired to the pins."""

    def __init__(self):
        self.now_us = 0
        self.next_ms_us = 1000
        self.edges = []  # (at_us, number, level), sorted
        self.pins = {}
        self.timer = None
        self.disabled = False
        self.in_irq = False
        self.pending = []  # pins whose falling edge waits for the interrupts
        self.tick_pending = False
        self.chance = _SEED * 2654435761 + 12345 & 0xFFFFFFFF
        self.fed_us = None
        self.broken = []
        names = "rises falls_by_irq falls_by_timer stalls ticks feeds held_edges reset resting_us"
        self.count = dict.fromkeys(names.split(" "), 0)
        self.host = Host(self, _SCENE == "chaos")
        self.hb_us = self.on_us = self.bound_us = -(10**9)
        self.live = True

    def random(self, below):
        self.chance = (self.chance * 1664525 + 1013904223) & 0xFFFFFFFF
        return (self.chance >> 8) % below

    def wrong(self, text):
        if len(self.broken) < 5:
            self.broken.append("%d us: %s" % (self.now_us, text))

    def level(self, number):
        return self.pins[number].level if number in self.pins else 0

    # ---- time --------------------------------------------------------------------------------------------------
    def elapse(self, us):
        """The main loop spends time; what is due happens."""
        if self.in_irq:
            return
        if self.disabled:
            self.now_us += us  # nothing happens now; edges that come meanwhile wait
            return
        if self.live and _SCENE == "chaos" and self.random(9000) == 0:
            self.count["stalls"] += 1
            us += (2000, 4000, 8000, 30000, 350000, 700000)[self.random(6)]
        end_us = self.now_us + us
        while True:
            due_us = min(self.next_ms_us, self.edges[0][0] if self.edges else self.next_ms_us)
            if due_us > end_us:
                break
            self.now_us = max(self.now_us, due_us)
            if self.edges and self.edges[0][0] <= self.now_us:
                _, number, level = self.edges.pop(0)
                self.edge(number, level)
            else:
                self.next_ms_us += 1000
                self.millisecond()
            self.check()
        self.now_us = end_us
        self.check()

    def millisecond(self):
        if self.timer:
            self.interrupt(self.timer)
        self.host.millisecond()
        if self.now_us >= _SECONDS * 1_000_000:
            raise Over
        if _SCENE == "chaos" and not self.edges and self.random(400) == 0:
            number = (6, 7, 8, 9)[self.random(4)]
            at_us = self.now_us + self.random(1000)
            length_us = (15, 60, 900, 4000, 70000)[self.random(5)]
            self.edges = [(at_us, number, 0), (at_us + length_us, number, 1)]
        closed = self.level(K)
        if MIRROR in self.pins and not self.edges:
            self.pins[MIRROR].level = 1 - closed  # the contactor follows at once

    def edge(self, number, level):
        pin = self.pins.get(number)
        if pin is None:
            return
        fell = pin.level and not level
        pin.level = level
        if fell and pin.handler:
            if self.disabled:
                self.count["held_edges"] += 1
                self.pending.append(pin)
            else:
                self.count["falls_by_irq"] += self.level(K) | self.level(H)
                self.interrupt(pin)
                if self.level(K) or self.level(H):
                    self.wrong("pin %d fell and K or H stays" % number)

    def interrupt(self, source):
        before = self.level(K) | self.level(H)
        self.in_irq = True
        micropython.heap_lock()
        try:
            source.handler(source)
        finally:
            micropython.heap_unlock()
            self.in_irq = False
        if source is self.timer:
            self.count["ticks"] += 1
            self.count["falls_by_timer"] += before and not (self.level(K) | self.level(H))

    def disable(self):
        self.disabled = True
        if self.live and _SCENE == "chaos" and self.random(8) == 0:  # an edge while the interrupts are off
            self.pins[TRIP_PINS[self.random(3)]].drop = True
        micropython.heap_lock()
        return 0

    def brink(self):
        """The core has decided, K or H is about to rise: the worst moment for an edge or for being held up."""
        luck = self.random(16)
        if luck == 0:
            number = TRIP_PINS[self.random(3)]
            self.edge(number, 0)
            self.edges = [(self.now_us + 3000, number, 1)]
        elif luck == 1:
            self.count["stalls"] += 1
            self.elapse(350000)

    def enable(self):
        micropython.heap_unlock()
        for number in TRIP_PINS:
            if self.pins[number].drop:
                self.pins[number].drop = False
                self.edge(number, 0)
                self.edges = [(self.now_us + 3000, number, 1)]
        self.disabled = False
        pending, self.pending = self.pending, []
        for pin in pending:
            self.interrupt(pin)
        self.check()

    # ---- what must always hold ---------------------------------------------------------------------------------
    def check(self):
        k, h = self.level(K), self.level(H)
        if self.level(RED) and self.level(GREEN):
            self.wrong("red and green")
        if not (k or h):
            return
        if k and h:
            self.wrong("K and H together")
        for number in TRIP_PINS:
            if not self.level(number):
                self.wrong("K or H while pin %d is open" % number)
        if self.now_us - self.hb_us > HB_US + GRACE_US:
            self.wrong("K or H %d us after the heartbeat" % (self.now_us - self.hb_us))
        if self.now_us - self.on_us > self.bound_us + GRACE_US:
            self.wrong("K or H beyond their bound")
        if not self.level(RED) or self.level(RELEASE):
            self.wrong("K or H without red, or with the lid released")

    def heard(self, body):
        """The guard has read the last byte of a frame (its body)."""
        words = body.split(" ")
        verb, argument = words[2], words[-1]
        if verb == "HB":
            self.hb_us = self.now_us
        elif verb in ("ON", "HV"):
            self.on_us, self.bound_us = self.now_us, int(argument.split(":")[-1]) * 1_000_000


board = Board()


class Pin:
    """A GPIO."""

    IN, OUT, PULL_UP, PULL_DOWN, IRQ_FALLING = 0, 1, 1, 2, 4

    def __init__(self, number, mode, pull=None, value=0):
        self.number, self.out = number, mode == Pin.OUT
        self.handler = None
        self.drop = False
        self.level = value if self.out else (0 if number == SERVICE and _SCENE == "service" else 1)
        board.pins[number] = self

    def value(self, level=None):
        board.elapse(1)
        if level and self.number == RED and board.live and _SCENE == "chaos":
            board.brink()
        if level is None:
            return self.level
        if level and not self.level and self.number in CUT:
            board.count["rises"] += 1
            if not board.disabled:
                board.wrong("K or H rises with interrupts enabled")
        self.level = 1 if level else 0
        return None

    def irq(self, handler, trigger, hard=False):
        if not hard or trigger != Pin.IRQ_FALLING:
            board.wrong("a trip input without a hard interrupt on its falling edge")
        self.handler = handler


class Timer:
    """A timer of 1 ms."""

    PERIODIC = 1

    def __init__(self, number, mode, period, callback, hard=False):
        if not hard or period != 1 or mode != Timer.PERIODIC:
            board.wrong("the timer is not hard, periodic, 1 ms")
        self.handler = callback
        board.timer = self


class WDT:
    """The watchdog; only the control loop may feed it."""

    def __init__(self, timeout):
        if timeout != 1000:
            board.wrong("the watchdog is set to %d ms" % timeout)

    def feed(self):
        if board.in_irq:
            board.wrong("the watchdog is fed in an interrupt")
        board.count["feeds"] += 1
        board.elapse(1)


def reset():
    """A new start: K and H must be off by now."""
    board.count["reset"] += 1
    if board.level(K) or board.level(H):
        board.wrong("K or H while the board starts again")


class Machine:
    """The module `machine`."""

    Pin, Timer, WDT = Pin, Timer, WDT
    reset = staticmethod(reset)
    disable_irq = staticmethod(board.disable)

    @staticmethod
    def enable_irq(state):
        board.enable()


class Poll:
    """`select.poll` of one end of the console."""

    def __init__(self):
        self.ready = None

    def register(self, stream, mask):
        self.ready = stream.ready

    def ipoll(self, milliseconds):
        for _ in range(milliseconds * 20):
            if self.ready():
                break
            board.count["resting_us"] += 50
            board.elapse(50)
        board.elapse(5)
        return (1,) if self.ready() else ()


class Select:
    """The module `select`."""

    POLLIN, POLLOUT = 1, 4
    poll = Poll


class Input:
    """Standard input."""

    def __init__(self):
        self.buffer = self

    def ready(self):
        return board.host.first < board.host.end

    def read(self, size):
        board.elapse(5)
        if _SCENE == "error" and board.level(K):
            raise OSError(5)
        if not self.ready():
            board.wrong("a read that blocks")
        return board.host.take()


class Output:
    """Standard output: promises room for one byte, and has it."""

    def __init__(self):
        self.buffer = self

    def ready(self):
        return board.host.fifo < ROOM

    def write(self, data):
        board.elapse(5)
        if board.host.fifo + len(data) > ROOM:
            board.wrong("a write that blocks")
        if len(data) != 1:
            board.wrong("more than the one byte that is promised")
        board.host.fifo += 1
        board.host.hear(bytes(data))
        return 1


class System:
    """The module `sys`."""

    platform = "rp2"
    stdin, stdout = Input(), Output()


class Settings:
    """guard_settings.py with a lid that may be opened at once."""

    HB_MS, MAX_ON_S, BLEED_S = 300, 9000, 0


class Time:
    """The module `time`; its ticks wrap a second after the start."""

    @staticmethod
    def ticks_ms():
        return (board.now_us // 1000 + 0x3FFFFFFF - 1000) & 0x3FFFFFFF


_MODULES = {"machine": Machine, "select": Select, "sys": System, "time": Time, "guard_settings": Settings}
for _name in _MODULES:
    _sys.modules[_name] = _MODULES[_name]

import main

memory = [0, 0]  # bytes in use after the first two seconds and now
if _SCENE == "memory":
    _plain = board.host.millisecond

    def _measure():
        _plain()
        if board.now_us % 1_000_000 < 1000:
            gc.collect()
            memory[board.now_us > 2_500_000] = gc.mem_alloc()

    board.host.millisecond = _measure
error = ""
try:
    main.run()
except Over:
    pass
except OSError:
    error = "OSError"
board.live = False
report = board.count
report.update({"broken": board.broken, "error": error, "lines": board.host.lines, "memory": memory})
report.update({"k": board.level(K), "h": board.level(H)})
print(json.dumps(report))
