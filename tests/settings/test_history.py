"""What became of the revisions of a bench: bounded, in order, and listed as people ask for it."""

from __future__ import annotations

from station.settings.history import HAPPENED_MAX, OWN, WHY_MAX, Happened, add, asker_of, before, rows


def history(*events: tuple[str, str]) -> tuple[Happened, ...]:
    """What happened to which, a minute apart."""
    made: tuple[Happened, ...] = ()
    for number, (what, revision) in enumerate(events):
        made = add(made, f"12:{number:02}", what, revision, f"by {number}", f"why {number}")  # type: ignore[arg-type]
    return made


def test_it_is_numbered_on_and_bounded() -> None:
    made = history(*[("kept", "a")] * (HAPPENED_MAX + 5))
    assert len(made) == HAPPENED_MAX and [made[0].number, made[-1].number] == [6, HAPPENED_MAX + 5]
    assert len(add((), "", "refused", None, why="x" * 999)[0].why) == WHY_MAX


def test_the_one_before_is_the_last_other_that_held() -> None:
    made = history(("in use", "a"), ("on trial", "b"), ("in use", "b"), ("on trial", "c"), ("given up", "c"))
    assert (before(made, "b"), before(made, "a"), before((), "b")) == ("a", "b", None)
    assert asker_of(history(("kept", "a"), ("kept", "b"), ("kept", "a")), "a") == "by 2"


def test_revisions_are_listed_latest_first_with_those_whose_files_are_gone_and_the_first_day_last() -> None:
    made = history(
        ("kept", "a"), ("on trial", "a"), ("in use", "a"), ("kept", "b"), ("on trial", "b"), ("given up", "b"),
        ("kept", "c"), ("refused", "d"),
    )  # fmt: skip
    found = rows(made, ["c", "a", "e"], current="a", wanted="c", on_trial=False, own="own's")
    assert [(row.revision, row.here, row.standing) for row in found] == [
        ("d", False, "refused"), ("c", True, "wanted"), ("b", False, "given up"), ("a", True, "in use"),
        ("e", True, "kept"), (OWN, True, "as first installed"),
    ]  # fmt: skip
    by = {row.revision: row for row in found}
    assert (by["a"].kept_at, by["a"].used_at, by["a"].by, by["a"].why) == ("12:00", "12:02", "by 0", "")
    assert by["b"].why == "why 5" and by["d"].why == "why 7"


def test_the_files_of_the_first_day_are_listed_once() -> None:
    in_use = rows((), [], current=None, wanted=None, on_trial=False, own="o")
    assert [(row.revision, row.standing) for row in in_use] == [(OWN, "in use")]
    again = rows(history(("kept", "o"), ("on trial", "o")), ["o"], current="o", wanted=None, on_trial=True, own="o")
    assert [(row.revision, row.standing) for row in again] == [("o", "on trial")]
