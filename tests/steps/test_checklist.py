"""Guided checks: what is asked when, what NG leads to, what goes on record; and the second engineer's inspection."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from station.domain.events import Event
from station.domain.limit import Limit
from station.domain.plan import Needs
from station.domain.prompt import Answer
from station.domain.record import Record
from station.domain.verdict import Verdict as V
from station.steps import checklist, inspection
from station.steps.checklist import Item, Params, Words
from tests.run import run_rig
from tests.run.run_rig import Made, RunRig, good, play

MUST = Limit("of the test", low=1.0)
VOLUME = Item("volume", Words("音量旋到最大", "Volume at maximum"), Words("请旋到最大", "Turn it fully up"))
TONE = Item("tone", Words("音调平直", "Tone flat"), Words("请旋到中间", "Set it to the middle"))
CURED = Item("cured", Words("故障已消除？", "Fault cured?"), measures="cured_ok")
SMOOTH = Item("smooth", Words("平滑？", "Smooth?"), measures="smooth_ok")


def guided(*items: Item, **params: Any) -> Made:
    """A checklist of these items, requiring what they measure."""
    required = tuple(item.measures for item in items if item.measures)
    return Made(checklist.measure, required, limit=MUST, params=Params(items, **params))


def run(
    made: tuple[Made, ...], answers: list[Answer], answer: bool = True, repair_engineer: str | None = None
) -> tuple[Record, RunRig]:
    """The record of a run of these steps, each prompt answered from `answers`, then by `answer`."""
    kept: list[Any] = []

    async def scene(rig: RunRig) -> None:
        rig.answers, rig.answer = list(answers), answer
        rig.draft = replace(rig.draft, repair_engineer=repair_engineer)
        kept.extend((await rig.run(*made), rig))
        assert rig.stored() == kept[0], "what the journal holds is what was told"

    play(scene)
    return kept[0], kept[1]


def said(rig: RunRig) -> list[str]:
    return [prompt.text["en"] for prompt in rig.asked]


def test_items_are_asked_in_order_one_by_one_and_each_answer_is_on_record() -> None:
    record, rig = run((guided(VOLUME, TONE), Made(good())), [True, True])
    assert said(rig) == ["Volume at maximum", "Tone flat"]
    assert [dict(prompt.about) for prompt in rig.asked] == [{"item": "volume"}, {"item": "tone"}]
    assert record.steps[0].notes == ("confirmed: volume", "confirmed: tone")
    assert all(prompt.text["zh"] and not prompt.hands for prompt in rig.asked)


def test_together_one_ok_confirms_all_and_each_is_named_on_record() -> None:
    record, rig = run((guided(VOLUME, TONE, together=True), Made(good())), [True])
    assert said(rig) == ["Volume at maximum; Tone flat"] and rig.asked[0].text["zh"] == "音量旋到最大；音调平直"
    assert record.steps[0].notes == ("confirmed together: volume, tone",)
    assert record.verdict is V.PASS


def test_together_ng_asks_one_by_one_until_it_is_known_which_and_says_what_to_set() -> None:
    record, rig = run((guided(VOLUME, TONE, together=True), Made(good())), [False, True, False, True])
    assert said(rig) == ["Volume at maximum; Tone flat", "Volume at maximum", "Tone flat", "Set it to the middle"]
    assert rig.asked[3].about["again"] == "1"
    assert record.steps[0].notes == ("confirmed: volume", "confirmed after NG: tone")
    assert record.verdict is V.PASS


def test_a_second_ng_ends_the_run_as_a_persons_wish_that_says_who_must_do_what() -> None:
    record, rig = run((guided(VOLUME, TONE), Made(good())), [False, False])
    assert said(rig) == ["Volume at maximum", "Turn it fully up"], "and nothing is asked any more"
    assert (record.verdict, record.steps[0].verdict, record.steps[1].verdict) == (V.ABORTED, V.ABORTED, V.SKIPPED)
    assert "NG twice" in record.causes[0].text and "the technician sets it" in record.causes[0].text


def test_a_time_out_is_no_ok() -> None:
    record, _ = run((guided(VOLUME), Made(good())), [], answer=False)
    assert record.verdict is V.ERROR and record.steps[1].verdict is V.SKIPPED


def test_confirmed_settings_alone_prove_nothing() -> None:
    record, _ = run((guided(VOLUME),), [True])
    assert record.verdict is V.ERROR and "proves nothing" in record.causes[0].text


def test_an_item_that_judges_is_one_or_nought_and_ng_fails_it_and_asks_on() -> None:
    record, rig = run((guided(CURED, SMOOTH),), [False, True])
    assert said(rig) == ["Fault cured?", "Smooth?"], "an NG is an answer: nothing is asked twice"
    cured, smooth = record.steps[0].measurements
    assert (cured.value, cured.unit, cured.verdict, smooth.value, smooth.verdict) == (0.0, "1", V.FAIL, 1.0, V.PASS)
    assert cured.conditions == {"asked": "Fault cured?", "answer": "NG"}
    assert record.verdict is V.FAIL and [c.measurement for c in record.causes] == ["cured_ok"]
    assert "Fault cured?" in record.causes[0].text and "NG" in record.causes[0].text


def test_nobody_is_asked_about_a_device_that_has_failed_before() -> None:
    late = replace(guided(CURED), only_after_pass=True)
    record, rig = run((Made(good(value=9.0)), late), [])
    assert rig.asked == [] and record.verdict is V.FAIL
    assert [m.verdict for m in record.steps[1].measurements] == [V.SKIPPED]


def test_hands_are_asked_to_the_device_only_with_the_bench_dead() -> None:
    live: list[bool] = []

    async def look(rig: RunRig) -> None:
        async def mains_on(context: Any, params: Any) -> None:
            await context.bench.mains.on(30.0)
            live.append(rig.energised)
            await good()(context, params)

        def notice(event: Event) -> None:
            if event.kind == "prompt":
                live.append(rig.energised)

        rig.watcher = notice
        await rig.run(Made(mains_on, needs=Needs.MAINS), guided(CURED, bench_off=True))
        assert rig.asked[0].hands

    play(look)
    assert live == [True, False]


def test_an_item_that_the_product_has_nothing_for_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_rig, "PRODUCT", replace(run_rig.PRODUCT, without=("tone",)))
    record, rig = run((guided(VOLUME, TONE), Made(good())), [])
    assert said(rig) == ["Volume at maximum"] and record.steps[0].notes == ("confirmed: volume",)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Params(()), "each with an id of its own"),
        (lambda: Params((VOLUME, VOLUME)), "each with an id of its own"),
        (lambda: Params((CURED, VOLUME), together=True), "asked by itself"),
        (lambda: Params((VOLUME,), wait_s=1.0), "from 10 to"),
        (lambda: Item("volume", VOLUME.text), "remedy or `measures`"),
        (lambda: Item("volume", VOLUME.text, VOLUME.remedy, "volume_ok"), "one of the two"),
        (lambda: Item("volume", VOLUME.text, measures="volume"), "end the name in _ok"),
        (lambda: Item("Volume!", VOLUME.text, VOLUME.remedy), "small letters"),
        (lambda: Words("", "Volume"), "both languages"),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_is_read(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


# ---- mutual inspection ---------------------------------------------------------------------------------------
INSPECTION = Made(inspection.measure, ("mutual_inspection_ok",), limit=MUST, params=inspection.Params())


def test_another_engineers_badge_agrees_and_is_on_record() -> None:
    record, rig = run((INSPECTION,), ["e-2"])
    assert record.verdict is V.PASS and record.second_operator == "e-2" and record.steps[0].signed_by == "e-2"
    (prompt,) = rig.asked
    assert prompt.kind == "badge" and prompt.not_by == (record.operator,), "nobody inspects their own work"
    assert prompt.hands, "the badge is the answer: no button, which is anybody's, after it"


def test_who_repaired_the_device_does_not_inspect_it() -> None:
    record, rig = run((INSPECTION,), ["e-2"], repair_engineer="e-17")
    assert rig.asked[0].not_by == (record.operator, "e-17")


def test_a_second_engineer_who_disagrees_fails_the_device_under_their_own_badge() -> None:
    record, rig = run((INSPECTION,), [False, "e-2"])
    assert [(prompt.kind, prompt.not_by) for prompt in rig.asked] == [("badge", (record.operator,))] * 2
    assert record.verdict is V.FAIL and record.second_operator == "e-2"
    assert record.causes[0].measurement == "mutual_inspection_ok"


def test_nobody_to_sign_is_no_fault_of_the_device_and_no_pass() -> None:
    record, _ = run((INSPECTION,), [False, False])
    assert record.verdict is V.ABORTED and record.second_operator is None
    assert "nobody signed" in record.causes[0].text and record.steps[0].measurements[0].verdict is V.SKIPPED


def test_an_inspection_that_nobody_answers_is_an_error() -> None:
    record, _ = run((INSPECTION,), [], answer=False)
    assert record.verdict is V.ERROR and record.second_operator is None
