"""The guard on its board: pins, hard interrupts, watchdog and the USB line around `guard_core`. No rule lives here.

K and H are switched off in three ways, each without the others: by the core on its next pass, by the hard interrupt of
a trip input, and by the hard 1 ms timer once the main loop has not renewed its leave. Only the core switches them on.
Whatever ends the control loop ends in everything off and a restart, which is TRIPPED with BOOT.
"""

import micropython

micropython.kbd_intr(-1)  # Ctrl-C is a byte like any other, from here on: the imports below take long on the board

import gc
import os
import select
import sys
from time import ticks_ms

import guard_settings as settings
from guard_core import TICKS_MASK, Guard
from guard_frame import LineReader, encode
from machine import WDT, Pin, Timer, disable_irq, enable_irq, reset

# GPIO numbers; docs/wiring-the-guard.md has the rest. Inputs read 1 when their normally-closed loop is closed.
K, H, RELEASE = 2, 3, 4
ESTOP, LID, THERMO, MIRROR = 6, 7, 8, 9
RED, GREEN, LED, SERVICE = 10, 11, "LED", 15

READ_MAX = 64  # bytes read in one pass, so that a flood cannot hold up the pass
HOLD, STATUS_TX_MAX, ANSWER_TX_MAX = 512, 2048, 3072  # bytes kept for a host that reads slowly or not at all
# What differs between the ports. The RP2040's console promises room for one byte only and waits half a second for more,
# and its poll does not end when a pin changes; elsewhere a descriptor takes what fits, and a pin ends the poll.
RP2 = sys.platform == "rp2"
PASS_MS = 1 if RP2 else 100
TX_PASS = 32  # bytes handed over in one pass, at least
LEAVE_MS = 3  # the timer's grace beyond the core's own deadline


class Outputs:
    """K, H, lid release and lamps, and the interrupts that take K and H away."""

    def __init__(self):
        self._k = Pin(K, Pin.OUT, value=0)
        self._h = Pin(H, Pin.OUT, value=0)
        self._release = Pin(RELEASE, Pin.OUT, value=0)
        self._red = Pin(RED, Pin.OUT, value=0)
        self._green = Pin(GREEN, Pin.OUT, value=0)
        self._led = Pin(LED, Pin.OUT, value=0)
        self._was = (False, False, False, False, False, False)
        self.seen = bytearray(3)  # a trip input fell since the last pass: estop, lid, thermo
        self._leave = [0]  # ms for which the timer lets K and H stand
        self.owes = False  # K or H was refused its rise: look again at once

    def off(self):
        """Everything that energises off, whatever the core says."""
        self._k.value(0)
        self._h.value(0)

    def trip_input(self, index, number):
        """A trip input with its hard interrupt."""
        pin = Pin(number, Pin.IN, Pin.PULL_DOWN)
        # a hard interrupt must not allocate: with four names from outside a call fits the stack, a fifth needs the heap
        k, h, seen = self._k, self._h, self.seen

        def fell(_):
            k.value(0)
            h.value(0)
            seen[index] = 1

        pin.irq(handler=fell, trigger=Pin.IRQ_FALLING, hard=True)
        return pin

    def start_timer(self):
        """K and H off, 1 ms at a time, when the main loop (a collection, the USB stack) holds on to a pass."""
        k, h, leave = self._k, self._h, self._leave

        def tick(_):
            left = leave[0] - 1
            if left > 0:
                leave[0] = left
            else:
                k.value(0)
                h.value(0)

        return Timer(-1, mode=Timer.PERIODIC, period=1, callback=tick, hard=True)

    def show(self, guard, looked):
        """Bring the pins to what the core says; `looked`: ticks of its last pass.

        K and H rise only within `LEAVE_MS` of a pass after which no interrupt spoke; otherwise the next pass decides,
        which must come at once (`owes`).
        What an interrupt takes away later stays away until the core says off.
        """
        now = (guard.k, guard.h, not guard.lock, guard.red, guard.green, guard.led)
        on = now[0] or now[1]
        self.owes = False
        if on:
            self._leave[0] = guard.leave_ms() + LEAVE_MS - _since(looked)
        if now == self._was:
            return
        if not on:  # off goes before everything else
            self.off()
        self._release.value(now[2])
        if not now[3]:  # never both: the lamp that goes, goes first
            self._red.value(0)
        self._green.value(now[4])
        self._red.value(now[3])
        self._led.value(now[5])
        if on and now[:2] != self._was[:2]:  # on comes last: the lid locked, red lit
            state = disable_irq()
            rises = not any(self.seen) and _since(looked) < LEAVE_MS
            if rises:
                self._k.value(now[0])
                self._h.value(now[1])
            enable_irq(state)
            if not rises:
                now = (False, False) + now[2:]
            self.owes = not rises
        self._was = now


class Line:
    """The USB serial line: bounded reads, and writes that never wait for the host."""

    def __init__(self):
        self._in, self._out = sys.stdin.buffer, sys.stdout.buffer
        self._readable, self._writable = select.poll(), select.poll()
        self._readable.register(sys.stdin, select.POLLIN)
        self._writable.register(sys.stdout, select.POLLOUT)
        self._reader = LineReader()
        self._tx = bytearray(ANSWER_TX_MAX)  # waiting to go out: from _first to _end
        self._view = memoryview(self._tx)
        self._one = bytearray(1)  # on the RP2040 this loop must not make rubbish at every byte
        self._first = self._end = 0
        self._moving = False

    def wait(self, milliseconds):
        """Sleep until something came in, at most that long; not at all while output goes out. True: read now."""
        if self._first < self._end:
            milliseconds = 0 if self._moving else 1
        ready = _ready(self._readable, milliseconds)
        # a host that reads slower than it writes is read slower; one that does not read at all is heard all the same
        return ready and not (self._moving and self._end - self._first > HOLD)

    def read(self):
        """The lines that came in, as `LineReader` tells them; at most `READ_MAX` bytes of them."""
        lines = []
        for _ in range(READ_MAX):
            byte = self._in.read(1)
            if not byte:
                break
            line = self._reader.feed(byte[0])
            if line is not None:
                lines.append(line)
            if not _ready(self._readable, 0):
                break
        return lines

    def send(self, body):
        """Queue a line, or drop it whole when the host does not keep up; status lines are dropped before answers."""
        frame = encode(body)
        waiting = self._end - self._first
        if waiting + len(frame) > (STATUS_TX_MAX if body.startswith("S ") else ANSWER_TX_MAX):
            return
        if self._end + len(frame) > ANSWER_TX_MAX:
            self._tx[:waiting] = self._tx[self._first : self._end]
            self._first, self._end = 0, waiting
        self._tx[self._end : self._end + len(frame)] = frame
        self._end += len(frame)

    def write(self):
        """Hand over what fits now, a little at a time."""
        before = self._first
        until = min(self._end, before + TX_PASS)
        while self._first < until and _ready(self._writable, 0):
            self._one[0] = self._tx[self._first]
            took = self._out.write(self._one if RP2 else self._view[self._first : self._end])
            if not took:
                break
            self._first += took
        self._moving = self._first > before
        if self._first == self._end:
            self._first = self._end = 0


def _since(ticks):
    return (ticks_ms() - ticks) & TICKS_MASK


def _ready(poll, milliseconds):
    for _ in poll.ipoll(milliseconds):
        return True
    return False


def fresh():
    """Eight random lower-case hexadecimal digits."""
    return "".join("%02x" % byte for byte in os.urandom(4))


def take(pin, seen, index):
    """Whether a trip input is healthy and did not fall since the last pass."""
    if seen[index]:
        seen[index] = 0
        return False
    return pin.value() == 1


def control(outputs):
    """The control loop; it alone feeds the watchdog."""
    estop, lid, thermo = (outputs.trip_input(i, number) for i, number in enumerate((ESTOP, LID, THERMO)))
    mirror = Pin(MIRROR, Pin.IN, Pin.PULL_DOWN)
    line = Line()
    guard = Guard(fresh, line.send, settings.HB_MS, settings.MAX_ON_S, settings.BLEED_S)
    timer = outputs.start_timer()
    seen = outputs.seen
    watchdog = WDT(timeout=1000)
    fell = False
    gc.collect()
    while timer:
        watchdog.feed()
        heard = line.wait(1 if fell or outputs.owes else min(PASS_MS, guard.due_ms()))
        fell = any(seen)  # a flicker may be over already: look again soon
        looked = ticks_ms()
        guard.step(looked, take(estop, seen, 0), take(lid, seen, 1), take(thermo, seen, 2), mirror.value() == 0)
        outputs.show(guard, looked)
        if heard:
            for body in line.read():
                if body is False:
                    guard.dropped()
                else:
                    guard.frame(body)
                    outputs.show(guard, looked)
        line.write()


def run():
    """Be the guard for ever; an error of any kind switches off and starts the board again."""
    outputs = Outputs()
    if Pin(SERVICE, Pin.IN, Pin.PULL_UP).value() == 0:
        micropython.kbd_intr(3)
        return  # service jumper: leave the board to mpremote, with everything off
    try:
        control(outputs)
    finally:
        outputs.off()
        reset()


if __name__ == "__main__":
    run()
