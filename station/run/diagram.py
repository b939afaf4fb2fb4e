"""Prints docs/session.md from the session's table, so that the page can never say something else than the code."""

from __future__ import annotations

from station.domain.session_state import STATE_TITLES, State
from station.panel.patterns import BUZZERS, PATTERNS, describe
from station.run.session_events import Kind
from station.run.session_table import AT_REST, IDLE, ROWS, RUNNING, TABLE, VERDICTS, Choice, Row

HEAD = """# The session

*Printed from the table in `station/run/session_table.py` by `python -m station.run.diagram > docs/session.md`; a test
keeps this page true. Do not edit it by hand.*

A session takes a bench from scans over START to a verdict. It is a pure machine: events go in, actions come out, and
every state answers every event. Only the buttons of the panel can start a run or reset a trip. A run uses up its
scans; a badge is good for 30 minutes and not beyond its shift ([Work orders](work-orders.md)). A diamond is a choice
by what the session holds: `by_scans` (nothing scanned, something missing, wrong serial number, complete), `by_verdict`
(the run's verdict), `by_voltage` (mains on or off).

A scan is a prefix and a value: badge `OP:`, work order `WO:`, serial number `SN:`, IMEI or MEID `IM:`, product `PR:`,
plan `PL:` or `PL:PLAN/STEP`. START waits for an IMEI where the product is a [phone](phone.md), and a bench for phones
takes the bare code too: 15 decimal digits, or 14 hexadecimal ones that begin with A to F. A wrong one is refused, its
length or its check digit named. Another serial number is another device, so the IMEI is forgotten with it.
"""


def mermaid() -> str:
    """Every change of state as a Mermaid state diagram; rows that stay are in the table below it."""
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> waiting"]
    choices = {row.target.name: row.target for row in ROWS if isinstance(row.target, Choice)}
    lines += [f"    state {name} <<choice>>" for name in choices]
    lines += [f"    {name} --> {_id(target)}" for name, choice in choices.items() for target in choice.targets]
    edges: dict[tuple[str, str], list[str]] = {}
    for row in ROWS:
        if row.target is None:
            continue
        target = row.target.name if isinstance(row.target, Choice) else _id(row.target)
        for source in _sources(row):
            edges.setdefault((source, target), []).append(_label(row))
    lines += [f"    {source} --> {target} : {', '.join(labels)}" for (source, target), labels in edges.items()]
    return "\n".join([*lines, *_groups(), "```"])


def _id(state: State) -> str:
    return state.value


def _sources(row: Row) -> list[str]:
    """Composite states where a row holds for all of one; else the states themselves."""
    states, names = set(row.states), []
    for name, group in (("at_rest", AT_REST), ("idle", IDLE), ("verdict", VERDICTS), ("running", RUNNING)):
        if set(group) <= states:
            names.append(name)
            states -= set(group)
    return names + [_id(state) for state in State if state in states]


def _label(row: Row) -> str:
    return f"{row.kind.value} [{row.guard}]" if row.guard else row.kind.value


def _groups() -> list[str]:
    lines = ["    state at_rest {", "        state idle {"]
    lines += [f"            {_id(state)}" for state in IDLE]
    lines += ["        }", "        state verdict {"]
    lines += [f"            {_id(state)}" for state in VERDICTS]
    lines += ["        }", "    }", "    state running {"]
    lines += [f"        {_id(state)}" for state in RUNNING]
    return [*lines, "    }"]


def state_table() -> str:
    """Every state with its names and what lamps and buzzer show."""
    lines = ["| state | 中文 | English | lamps | buzzer |", "| --- | --- | --- | --- | --- |"]
    for state in State:
        pattern = PATTERNS[state]
        title = STATE_TITLES[state]
        lines.append(
            f"| `{state.value}` | {title['zh']} | {title['en']} | {describe(pattern)} | {pattern.buzzer or 'silent'} |"
        )
    return "\n".join(lines)


def buzzer_table() -> str:
    """Every buzzer pattern in words."""
    lines = ["| pattern | sounds | means |", "| --- | --- | --- |"]
    for name, buzzer in BUZZERS.items():
        if name:
            sounds = ", ".join(f"{on:g} s on, {off:g} s off" for on, off in buzzer.beeps)
            lines.append(f"| `{name}` | {sounds}{'; repeats' if buzzer.repeats else ''} | {buzzer.meaning} |")
    return "\n".join(lines)


def event_table() -> str:
    """For every event, what each state answers: `[guard] deed → target`."""
    lines = ["| event | in | does | goes to |", "| --- | --- | --- | --- |"]
    for kind in Kind:
        answers: dict[tuple[tuple[str, str, str], ...], list[str]] = {}
        for state in State:
            cell = tuple((row.guard, row.deed, _target(row)) for row in TABLE[state, kind])
            answers.setdefault(cell, []).append(state.value)
        for cell, states in answers.items():
            does = "<br>".join(f"[{guard}] `{deed}`" if guard else f"`{deed}`" for guard, deed, _ in cell)
            goes = "<br>".join(target for _, _, target in cell)
            where = "any state" if len(states) == len(State) else ", ".join(states)
            lines.append(f"| {kind.value} | {where} | {does} | {goes} |")
    return "\n".join(lines)


def _target(row: Row) -> str:
    if row.target is None:
        return "stays"
    return row.target.name if isinstance(row.target, Choice) else row.target.value


def page() -> str:
    """The whole of docs/session.md."""
    parts = [
        HEAD,
        mermaid(),
        "\n## States, lamps and buzzer\n",
        "Red and green lamps tell voltage and belong to the guard; the lamps here tell verdicts and prompts.\n",
        state_table(),
        "",
        buzzer_table(),
        "\n## Every event in every state\n",
        "The first line whose guard in brackets holds wins.\n",
        event_table(),
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    print(page(), end="")
