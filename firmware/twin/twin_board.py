"""A Pico for the simulated bench: `machine` and `select` as the guard's main.py knows them, its pins on two pipes.

Runs under MicroPython's unix port and, where that is missing, under CPython. The bench writes `PIN LEVEL\n` for an
input; this writes `PIN LEVEL NANOSECONDS\n` (CLOCK_MONOTONIC) for an output that changed and `W 0 0\n` now and then while
the watchdog is fed. When the bench's end closes, the board has lost its power and the process ends.
"""

import select as _select
import sys
import time

_FEED_MS = 100
_FALLING, _RISING = 4, 8


def _now_us():
    # MicroPython's ticks_us is CLOCK_MONOTONIC on the unix port
    return time.ticks_us() if sys.implementation.name == "micropython" else time.monotonic_ns() // 1000


class _Bus:
    def __init__(self):
        self.fd = int(sys.argv[1])
        self.incoming = open(self.fd, "rb", buffering=0)  # the bench made it non-blocking
        self._outgoing = open(int(sys.argv[2]), "wb", buffering=0)
        self._levels = {}
        self._rest = b""
        self._listeners = {}
        self._gone = False  # the bench's end closed: nobody is left to tell
        self.service()

    def level(self, number, default):
        return self._levels.get(number, default)

    def listen(self, pin, number, handler, trigger):
        self._listeners[number] = (pin, handler, trigger)

    def tell(self, name, level, stamp_us):
        if self._gone:
            return
        self._outgoing.write(b"%s %d %d000\n" % (str(name).encode(), level, stamp_us))

    def service(self):
        """Take what the bench did to the inputs; falling and rising edges interrupt as they would on the board."""
        data = self.incoming.read(256)
        if data is None:
            return
        if not data:
            self._gone = True
            sys.exit(0)
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            name, level = line.split(b" ")
            self._edge(int(name), int(level))

    def _edge(self, number, level):
        before = self._levels.get(number)
        self._levels[number] = level
        if number in self._listeners and before is not None and before != level:
            pin, handler, trigger = self._listeners[number]
            if trigger & (_RISING if level else _FALLING):
                handler(pin)


_bus = _Bus()


class Pin:
    """A GPIO; outputs are told to the bench when they change."""

    IN, OUT, PULL_UP, PULL_DOWN = 0, 1, 1, 2
    IRQ_FALLING, IRQ_RISING = _FALLING, _RISING

    def __init__(self, number, mode, pull=None, value=0):
        self._number, self._out = number, mode == Pin.OUT
        self._level = 1 if pull == Pin.PULL_UP else 0
        if value:
            self.value(value)

    def value(self, level=None):
        """The level, or set it."""
        if level is None:
            return self._level if self._out else _bus.level(self._number, self._level)
        level = 1 if level else 0
        if level != self._level:
            self._level = level
            _bus.tell(self._number, level, _now_us())
        return None

    def irq(self, handler, trigger, hard=False):
        """Call `handler(pin)` on an edge; here between two instructions of the main loop's wait."""
        _bus.listen(self, self._number, handler, trigger)


class WDT:
    """The watchdog: the bench power-cycles a board that stops feeding it."""

    def __init__(self, timeout):
        self._told_us = 0

    def feed(self):
        """Feed it."""
        now_us = _now_us()
        if now_us - self._told_us >= _FEED_MS * 1000:
            self._told_us = now_us
            _bus.tell("W", 0, now_us)


class Timer:
    """A hard timer; inert here, because no collection or USB stack of this board holds up its loop for long."""

    PERIODIC = 1

    def __init__(self, number, mode, period, callback, hard=False):
        pass


def reset():
    """Start again: the process ends, and the bench powers the board up anew."""
    sys.exit(0)


def disable_irq():
    """Interrupts come only inside a wait here."""
    return 0


def enable_irq(state):
    """See `disable_irq`."""


class _Poll:
    """`select.poll` that a changed input wakes as well, as an interrupt wakes the board."""

    def __init__(self):
        self._poll = _select.poll()
        self._wakes = False

    def register(self, stream, mask):
        self._poll.register(stream, mask)
        if mask == _select.POLLIN:
            self._wakes = True
            self._poll.register(_bus.incoming, _select.POLLIN)

    def ipoll(self, milliseconds):
        events = self._poll.poll(milliseconds)
        if self._wakes and events:
            others = [one for one in events if one[0] is not _bus.incoming and one[0] != _bus.fd]
            if len(others) != len(events):
                _bus.service()
            return others
        return events


class Select:
    """Stands in for the module `select`."""

    POLLIN, POLLOUT = _select.POLLIN, _select.POLLOUT
    poll = _Poll
