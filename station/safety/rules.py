"""The figures that the safety kernel and the guarded ports hold the bench to, in one place.

Periods, ages and deadlines are seconds of monotonic wall time, whatever the speed of test time. Interlocks that a
maintainer edits live in config/interlocks.toml; what stands here is not for editing on a bench. Sources: the
invariants of reference/safety.md (numbers in brackets) and contracts/guard-line.md.
"""

from __future__ import annotations

from dataclasses import dataclass

LOADS = ("load_left", "load_right")
AUDIO = ("source", "capture", *LOADS)
"""Relays that join the DUT to audio interface and load bank, in the order in which they are opened."""
ISOLATED_FROM = (*AUDIO, "touch")
"""Relays that must be open while the insulation and bond tester is in circuit [20]."""
ROLES = (*AUDIO, "tester", "touch", "fan", "bleed")
BIAS = ("left_mv", "right_mv")
DISCHARGE = ("l_n_v", "l_pe_v", "n_pe_v")
PLUS = ("left_plus_v", "right_plus_v")
MINUS = ("left_minus_v", "right_minus_v")


@dataclass(frozen=True, slots=True)
class Rules:
    """Figures of the kernel; the defaults are those of every bench, tests shorten some."""

    period_s: float = 0.05
    """Scan period; a scan late by more than one period is a trip."""
    permit_periods: int = 3
    """A permit lives this many periods beyond the scan that granted it."""
    guard_silence_s: float = 1.2
    """No status for this long is a trip (guard line, Trips)."""
    hb_ms_max: int = 300
    """The longest heartbeat limit of a guard that may energise (guard line, Defaults)."""
    bleed_s_min: int = 10
    """The shortest bleed time of a guard that may energise [9]."""
    unwanted_s: float = 1.2
    """K, H or a closed feedback that nobody wants is a trip after this (two status intervals of the guard)."""
    relay_max_age_s: float = 2.0
    """Relay positions older than this are unknown."""
    min_off_s: float = 10.0
    """Between OFF and the next ON [23]; counted from the start of the daemon too."""
    fan_on_degc: float = 60.0
    """The fan runs from here on; an unknown load bank is hot [23]."""
    fan_off_degc: float = 58.0
    """The fan may stop only under this (hysteresis against chatter, below the 60 degC of [23])."""
    load_bank_max_age_s: float = 5.0
    dead_v_max: float = 60.0
    """Below this each pair of the plug is dead [9]."""
    dead_samples: int = 3
    """Consecutive fresh readings that prove it [9]."""
    live_v_min: float = 150.0
    """With mains on, L-N and one of L-PE and N-PE must read this much: only a voltmeter that sees mains proves dead."""
    live_s: float = 1.5
    """How long after ON that may take; shorter than the interlock on the same voltmeter waits."""
    dead_s: float = 20.0
    """How long a discharge may take before it counts as not proven."""
    terminal_v_max: float = 1.0
    """Speaker terminal to chassis before a load or the capture closes [21]."""
    fan_rpm_min: float = 500.0
    fan_proof_s: float = 10.0
    open_load_source_v_max: float = 1.0
    """V rms at the DUT's input that may never be passed while a load is out, whatever a step asks for."""
    guard_answer_s: float = 2.0
    """From an accepted ON, HV or OFF to the status that shows it."""
    permit_wait_s: float = 5.0
    """How long a guarded port waits for a permit whose conditions should hold already."""
    clean_up_s: float = 2.0
    """How long one clean-up action (mute, tester stop) may take before the next one is done without it."""
    relays_s: float = 8.0
    """How long opening a row of relays may take, time-outs of a dead bus included."""
    hv_margin_s: int = 15
    """Wall seconds of HV beyond the test time: set-up of the start, the tester's own polling, its stop."""
    h_pull_in_s: float = 0.1
    """From the guard's HV to the tester's start: the relay in its interlock has moved by then (10 ms typical)."""
    hv_max_s: int = 120
    """The guard's own bound of `HV`."""
    reconnect_s: float = 1.0
    load_bank: str = "temperature.loadbank_degc"
    fan: str = "fan.rpm"
    discharge_role: str = "discharge"
    terminals_role: str = "dc"
    probe_role: str = "inrush"
    load_role: str = "loadbank"
    """The load bank's own ohmmeter: `left_ohm`, `right_ohm`."""
    bias_role: str = "bias"
    clip_mv_max: float = 0.15
    """What the bias meter reads at most with its clips off; no drive beyond that."""

    @property
    def permit_s(self) -> float:
        """Life of a permit after the scan that granted it."""
        return self.permit_periods * self.period_s
