"""The guard's core on a bench of its own: time in the test's hands, the lines it sends in a list."""

from __future__ import annotations

from firmware.guard.guard_core import Guard

SESSION = "0123abcd"


class Core:
    """A core with healthy inputs; `ms` passes time one millisecond (or one deadline) at a time."""

    def __init__(self, ticks: int = 0, jump: bool = False, **settings: int) -> None:
        self.sent: list[str] = []
        self._random = 0
        self.guard = Guard(self._fresh, self.sent.append, **settings)
        self.ticks = ticks
        self.jump = jump
        self.estop = self.lid = self.thermo = True
        self.fb: bool | None = None  # None: follows K
        self.seq = 0
        self.nonce = ""
        self.step()

    def _fresh(self) -> str:
        self._random += 1
        return f"{self._random:08x}"

    def step(self) -> None:
        """One pass at this tick."""
        fb = self.guard.k if self.fb is None else self.fb
        self.guard.step(self.ticks & 0x3FFFFFFF, self.estop, self.lid, self.thermo, fb)

    def ms(self, milliseconds: int) -> None:
        """Let time pass; with `jump` only the passes at which the core says it has something to do."""
        self.step()
        end = self.ticks + milliseconds
        while self.ticks < end:
            self.ticks += min(end - self.ticks, self.guard.due_ms() if self.jump else 1)
            self.step()
            self.step()  # fb follows what the pass did to K

    def frame(self, verb: str, session: str = SESSION, seq: int | None = None) -> str:
        """A frame; returns the answer from OK or NAK on, or "" if it was dropped."""
        if seq is None:
            self.seq += 1
            seq = self.seq
        before = len(self.sent)
        self.guard.frame(f"{session} {seq} {verb}")
        lines = self.sent[before:]
        if not lines:
            return ""
        assert len(lines) == 2, lines
        assert lines[1].startswith("S state="), lines
        prefix = f"{session} {seq} "
        assert lines[0].startswith(prefix), lines
        if verb == "HELLO":
            self.nonce = lines[0].split("nonce=")[1].split(" ")[0]
        self.step()
        return lines[0].removeprefix(prefix)

    def to(self, state: str) -> Core:
        """Take the guard to a state by the book."""
        self.frame("HELLO")
        if state != "TRIPPED":
            self.frame("RESET")
            self.frame("HB")
        if state in ("ARMED", "ENERGISED"):
            self.frame(f"ARM {self.nonce}")
        if state == "ENERGISED":
            self.frame("ON 60")
        if state == "HV":
            self.frame(f"HV {self.nonce}:60")
        assert self.guard.state == state
        return self

    @property
    def causes(self) -> list[str]:
        """The first cause and those after it."""
        return [self.guard.cause, *self.guard.also]

    def statuses(self) -> list[str]:
        return [line for line in self.sent if line.startswith("S ")]
