"""Anything at any time: whatever is pressed, scanned, sent or said by the run, in any order, the session answers.

A state machine of hypothesis plays everything that can reach a session, with scans of any text and a clock that
jumps, and holds after every event what may never be otherwise.
"""

from __future__ import annotations

import json
import math

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from drivers.ports import Button
from station.domain.plan import NeedsPass
from station.domain.prompt import Prompt
from station.domain.session_state import State
from station.domain.verdict import Verdict
from station.domain.work_order import EarlierRun, WorkOrder
from station.panel.buttons import ButtonPressed, ButtonStuck
from station.run import session_events as ev
from station.run.session import Session
from station.run.session_scans import BADGE_S, Catalogue, PlanFacts
from station.run.session_table import IDLE, RUNNING, VERDICTS
from tests.run.test_session_table import whole

CATALOGUE = Catalogue(
    {"amp": "amplifier", "radio": "receiver"},
    {"outgoing-amplifier": "outgoing", "outgoing-receiver": "outgoing", "self-test": "engineering", "soak": "outgoing"},
    {
        "outgoing-amplifier": PlanFacts("amplifier", ("gain", "soak")),
        "outgoing-receiver": PlanFacts("receiver", ("gain",), needs_consent=True),
        "soak": PlanFacts(None, ("soak",), needs_pass=NeedsPass("outgoing-amplifier", 24.0)),
    },
    with_imei=frozenset({"radio"}),
)
RADIO = ("PL:self-test", "IM:490154203237518")
"""What a device with an IMEI takes besides."""
SMALLER = Catalogue({"radio": "receiver"}, {"outgoing-receiver": "outgoing"})
FROM_AFAR = (ev.Scanned, ev.Assigned, ev.Withdrawn, ev.PutInFront, ev.AbortAsked)
"""What the control socket and, later, MQTT can post."""

values = st.sampled_from(
    [
        "1",
        "2",
        "amp",
        "radio",
        "self-test",
        "outgoing-amplifier",
        "outgoing-amplifier/gain",
        "amp/x",
        "soak",
        "soak/soak",
    ]
)
scans = st.one_of(
    st.builds("{}:{}".format, st.sampled_from(["OP", "WO", "SN", "IM", "PR", "PL"]), values),
    st.text(max_size=300),
    st.builds("{}:{}".format, st.sampled_from(["OP", "wo", " Sn ", "ＯＰ"]), st.text(max_size=400)),
    st.sampled_from(["IM:490154203237518", "490154203237518", "AF0123450ABCDE", "490154203237519", "IM:1"]),
    st.sampled_from(["", ":", "OP:", "{}", "SN:{order}", "\ud800", "SN:\x00", "OP:" + "9" * 100_000]),
)
orders = st.builds(
    WorkOrder,
    number=st.sampled_from(["1", "2", "工单", "{number}"]),
    product=st.sampled_from([None, "amp", "radio", "gone"]),
    serial_number=st.sampled_from([None, "1", "2"]),
    purpose=st.sampled_from([None, "outgoing", "incoming", "engineering", "nonsense"]),
    assigned=st.just(True),
)
runs = st.builds(
    EarlierRun,
    st.sampled_from(["r1", "r2"]),
    st.sampled_from(["outgoing", "incoming", "adjust", "engineering", "nonsense"]),
    st.sampled_from(["PASS", "FAIL", "ABORTED", "", "?"]),
    st.sampled_from(["2026-09-21T13:33:20Z", "1970-01-01T00:00:00Z", "", "yesterday"]),
    plan=st.sampled_from([None, "outgoing-amplifier"]),
    work_order=st.sampled_from(["1", "9"]),
    serial_number=st.sampled_from([None, "1", "2"]),
)
words = st.fixed_dictionaries({"zh": st.text(max_size=20), "en": st.text(max_size=20)})
numbers = st.sampled_from(["1", "2", "工单", "gone"])
afar = st.one_of(
    st.builds(ev.Assigned, orders),
    st.builds(ev.Withdrawn, numbers),
    st.builds(ev.PutInFront, numbers),
    st.builds(ev.AbortAsked, st.sampled_from(["run", "other", ""]), st.sampled_from(["socket", "centre"])),
)
own = st.one_of(
    st.sampled_from(
        [ev.RunBegan("run"), ev.Cooled(), ev.PromptClosed(), ev.Tick(), ev.PanelBack(), ev.PowerReturned()]
    ),
    st.builds(ev.VoltageChanged, st.booleans()),
    st.builds(ev.PromptAsked, st.builds(Prompt, words, st.sampled_from(["answer", "badge"]))),
    st.builds(ev.RunEnded, st.sampled_from(Verdict), st.booleans()),
    st.builds(ev.PanelLost, st.text(max_size=30)),
    st.builds(ev.Tripped, st.sampled_from(["G02", "K01"]), words),
    st.builds(ev.TripCleared, st.booleans()),
    st.builds(ev.EarlierRuns, numbers, st.lists(runs, max_size=3).map(tuple)),
    st.builds(ev.StepBegan, st.sampled_from([None, "soak", "thd"])),
    st.builds(ev.TimeTold, st.sampled_from([None, 0.0, 1_790_000_000.0]), st.sampled_from([0.0, 50_001.0, math.inf])),
    st.just(ev.Identify()),
)


class AnythingAtAnyTime(RuleBasedStateMachine):
    """Plays events in any order; `run_on` is what the outside knows of the run."""

    def __init__(self) -> None:
        super().__init__()
        self.session, self.now_s = Session(CATALOGUE), 50_000.0
        self.run_on, self.badge_at_s, self.latched = False, -1e9, False

    @initialize(ready=st.booleans(), pressed=st.booleans())
    def begin(self, ready: bool, pressed: bool) -> None:
        """A quarter of all histories begin in a run, a quarter in READY."""
        if ready:
            self.scan_everything()
        if pressed:
            self.post(ButtonPressed(Button.START))

    @rule(start=st.booleans(), product=st.sampled_from(["amp", "radio"]))
    def scan_everything(self, start: bool = False, product: str = "amp") -> None:
        """What a technician does who knows how, so that READY and runs are well visited."""
        if self.session.state in IDLE:
            self.post(ButtonPressed(Button.STOP))
        for text in ("OP:1", "WO:9", "SN:1", f"PR:{product}", *(RADIO if product == "radio" else ())):
            self.post(ev.Scanned(text))
        if start:
            self.post(ButtonPressed(Button.START))

    @rule(button=st.sampled_from([Button.START, Button.STOP, Button.RESET]))
    def press_one_of_three(self, button: Button) -> None:
        """Those that matter, more often."""
        self.post(ButtonPressed(button))

    @rule()
    def put_right(self) -> None:
        """Whatever stands in the way of the next run ends as it should."""
        self.post(ev.RunEnded(Verdict.PASS))
        if any(isinstance(action, ev.ResetTrip) for action in self.post(ButtonPressed(Button.RESET))):
            self.post(ev.TripCleared())
        self.post(ev.Cooled())
        self.post(ButtonPressed(Button.STOP))

    def post(self, event: ev.Event) -> tuple[ev.Action, ...]:
        before, scanned = self.session.state, self.session.memory.scans
        actions = self.session.step(event, self.now_s)
        if isinstance(event, ev.Scanned) and event.text == "OP:1" and not _refused(actions):
            self.badge_at_s = self.now_s
        for action in actions:
            self._judge(event, before, scanned.operator, action)
        self._follow(event, before)
        if _refused(actions) and not isinstance(event, ev.Scanned):
            assert self.session.state is before or before in IDLE, "what is refused changes nothing but expired scans"
        return actions

    def _judge(self, event: ev.Event, before: State, operator: str | None, action: ev.Action) -> None:
        """One action beside the event that brought it."""
        if isinstance(action, ev.StartRun):
            assert event == ButtonPressed(Button.START) and before is State.READY
            assert not self.run_on, "two runs at once"
            assert not self.latched, "a run out of a trip"
            assert whole(action.ticket)
            assert action.ticket.operator == operator
            wanted = action.ticket.product in self.session.memory.catalogue.with_imei
            assert (action.ticket.imei is not None) == wanted, "an IMEI on record of a phone, and of nothing else"
            if operator == "1":
                assert self.now_s - self.badge_at_s <= BADGE_S
            assert not self.session.memory.energised and Button.STOP not in self.session.memory.stuck
            self.run_on = True
        if isinstance(action, ev.ResetTrip):
            assert event == ButtonPressed(Button.RESET) and before is State.TRIPPED and not self.run_on
        if isinstance(action, ev.AbortRun | ev.AnswerPrompt | ev.HandOver):
            assert self.run_on
        if isinstance(action, ev.Refuse | ev.Tell):
            assert action.code
            assert set(action.text) == {"zh", "en"} and all(text.strip() for text in action.text.values())
            assert all(len(text) < 400 for text in action.text.values()), "a refusal is a line on a page"
        if isinstance(event, FROM_AFAR):
            assert not isinstance(action, ev.StartRun | ev.ResetTrip | ev.ReleaseLid)
        if isinstance(action, ev.AnswerPrompt) and not isinstance(event, ButtonPressed):
            assert isinstance(event, ev.Scanned) and event.source == "scanner", "signed at the bench's own scanner"
            assert before is State.PROMPT and action.answer == event.text.partition(":")[2].strip()

    def _follow(self, event: ev.Event, before: State) -> None:
        if isinstance(event, ev.RunEnded):
            self.run_on = False
        if isinstance(event, ev.Tripped | ev.PowerReturned):
            self.latched = True
        if isinstance(event, ev.TripCleared) and not self.run_on:
            self.latched = False

    # ---- the technician ------------------------------------------------------------------------------------------
    @rule(button=st.sampled_from(Button))
    def press(self, button: Button) -> None:
        """Any button."""
        self.post(ButtonPressed(button))

    @rule(button=st.sampled_from(Button))
    def stick(self, button: Button) -> None:
        """Any button held down."""
        self.post(ButtonStuck(button))

    @rule(text=scans, source=st.sampled_from(["scanner", "socket"]))
    def scan(self, text: str, source: ev.Source) -> None:
        """Any line from scanner or socket."""
        self.post(ev.Scanned(text, source))

    @rule()
    def scan_a_flood(self) -> None:
        """A scanner that cannot stop."""
        for _ in range(50):
            self.post(ev.Scanned("SN:1"))

    @rule(seconds=st.sampled_from([0.0, 0.05, 1.0, BADGE_S, BADGE_S + 0.001, 9_000.0]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now_s += seconds

    @rule(event=afar)
    def hear_from_afar(self, event: ev.Event) -> None:
        """The centre or the socket, about orders and runs that exist or not."""
        self.post(event)

    @rule(event=own)
    def hear_from_the_run(self, event: ev.Event) -> None:
        """What run, guard, kernel and panel say, also when it makes no sense."""
        self.post(event)

    @precondition(lambda self: not self.run_on)
    @rule(catalogue=st.sampled_from([CATALOGUE, SMALLER]))
    def another_configuration(self, catalogue: Catalogue) -> None:
        """`apply` waits for the end of a run."""
        self.session.replace_catalogue(catalogue)

    # ---- what always holds ---------------------------------------------------------------------------------------
    @invariant()
    def the_view_is_json(self) -> None:
        """Socket, page and MQTT get it as it is."""
        view = self.session.view()
        assert json.loads(json.dumps(view)) == view

    @invariant()
    def states_mean_what_they_say(self) -> None:
        """State, run, verdict and latch agree."""
        state, memory = self.session.state, self.session.memory
        assert memory.run_on == self.run_on
        if self.run_on:
            assert state in RUNNING or state is State.TRIPPED
        assert self.run_on or state not in RUNNING
        assert (state is State.TRIPPED) == self.latched
        assert (memory.trip is not None) == self.latched
        assert state is not State.PROMPT or memory.prompt is not None
        if state in VERDICTS:
            assert memory.verdict is not None and memory.scans.empty
        if state in IDLE:
            assert memory.verdict is None, "an old verdict beside the next device"


AnythingAtAnyTime.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestAnythingAtAnyTime = AnythingAtAnyTime.TestCase


def _refused(actions: tuple[ev.Action, ...]) -> bool:
    return any(isinstance(action, ev.Refuse) for action in actions)
