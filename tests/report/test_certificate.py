"""The certificate: for whom, its dates, what it shows, and that every change of it is noticed."""

from __future__ import annotations

import html as markup
import json
import re
from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from markupsafe import escape

from station.cli.paper import signer_of
from station.cli.verify import Finding, examine
from station.contract.canonical import canonical
from station.contract.keys import SigningKey, new_key, save_key
from station.domain.record import ClockStamp, Record, Reference
from station.report import signature
from station.report.certificate import dates_of, months_after
from station.report.html import Reader, Signer, render_certificate
from station.report.record_view import ReportError, plain_record
from station.report.words import LANGS, Lang

SHANGHAI = ZoneInfo("Asia/Shanghai")
KEY = new_key()
KEYS = {KEY.key_id: KEY.public}


def signer(key: SigningKey = KEY) -> Signer:
    return Signer(key.key_id, lambda message: canonical(key.sign(message)).decode())


def certificate(
    record: Record, found: dict[str, Any] | None = None, lang: Lang = "zh", key: SigningKey | None = KEY
) -> str:
    return render_certificate(
        plain_record(record), Reader(lang, SHANGHAI, "Asia/Shanghai"), found, signer(key) if key else None
    )


@pytest.fixture(scope="session")
def page(passed: Record, found: dict[str, Any]) -> str:
    return certificate(passed, found)


# ---- for whom, and its dates ---------------------------------------------------------------------------------
def test_only_a_pass_of_an_outgoing_run_gets_one(passed: Record, failed: Record, errored: Record) -> None:
    for record, says in (
        (failed, "is FAIL: a certificate is for PASS alone"),
        (errored, "is ERROR"),
        (replace(passed, purpose="incoming"), "is incoming: a certificate is for outgoing runs alone"),
        (replace(passed, purpose="engineering"), "is engineering"),
        (replace(passed, ended_at="yesterday"), "no usable end"),
    ):
        with pytest.raises(ReportError, match=says):
            certificate(record)


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        ("2026-11-22", 6, "2027-05-22"),
        ("2026-08-31", 6, "2027-02-28"),
        ("2027-08-31", 6, "2028-02-29"),
        ("2026-12-31", 6, "2027-06-30"),
        ("2026-06-30", 6, "2026-12-30"),
        ("2026-07-01", 6, "2027-01-01"),
    ],
)
def test_the_guarantee_runs_six_calendar_months(day: str, months: int, later: str) -> None:
    assert months_after(date.fromisoformat(day), months) == date.fromisoformat(later)


def test_dates_are_those_of_the_configured_zone(passed: Record) -> None:
    late = plain_record(replace(passed, ended_at="2026-08-30T17:00:00.000Z"))
    there = dates_of(late, SHANGHAI)
    assert (there.ended, there.guarantee, there.rework) == (date(2026, 8, 31), date(2027, 2, 28), date(2026, 9, 30))
    assert dates_of(late, ZoneInfo("UTC")).ended == date(2026, 8, 30)


# ---- what it shows -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("lang", LANGS)
def test_it_shows_parts_with_source_key_data_dates_and_faults(
    passed: Record, found: dict[str, Any], lang: Lang
) -> None:
    shown = signature.extract(certificate(passed, found, lang)).shown
    assert shown["serial_number"] == "A100-000451" and shown["repair_engineer"] == "R12" and shown["operator"] == "E07"
    assert shown["guarantee_until"] == "2027-05-22" and shown["rework_until"] == "2026-12-22"
    assert shown["parts.1.source"] == "Toshiba, lot 2547" and shown["parts.1.quantity"] == "2"
    assert shown["m.thd.thd_percent.left.value"] == "0.02818 ± 0.00031\u202f%"
    assert shown["m.thd.thd_percent.left.found"] == "0.4127\u202f%"
    assert shown["faults.1"] == {"zh": "静态偏流", "en": "Bias"}[lang]
    made = [m for step in passed.steps for m in step.measurements]
    assert sum(name.endswith(".value") for name in shown) == len(made), "every measurement, with its value"


def test_rework_and_an_unset_clock_are_said(passed: Record) -> None:
    assert "rework" not in signature.extract(certificate(passed)).shown
    back = replace(passed, reference=Reference("r", "incoming", "FAIL", "bench-03", None, rework=True))
    unset = replace(back, clock=ClockStamp("unsynced", None, "b"))
    shown = signature.extract(certificate(unset, lang="en")).shown
    assert "free of charge" in shown["rework"] and "not synchronised" in shown["clock_note"]


def test_a_simulated_one_says_sample_across_it_and_a_real_one_does_not(passed: Record) -> None:
    assert "SAMPLE" not in certificate(passed)
    marked = certificate(replace(passed, simulated=True))
    assert 'class="watermark"' in marked and marked.count("模拟 SAMPLE") >= 4
    assert signature.extract(marked).signed["data"]["simulated"] is True


def test_a_step_that_was_made_twice_has_both_attempts_on_it(passed: Record) -> None:
    again = replace(passed, steps=(*passed.steps, replace(passed.steps[0], attempt=2)))
    shown = signature.extract(certificate(again)).shown
    assert {"m.earth-bond.earth_bond_ohm.value", "m.earth-bond#2.earth_bond_ohm.value"} <= set(shown)
    assert look(certificate(again)).status == "valid"


def test_without_parts_or_as_found_it_says_so(passed: Record) -> None:
    shown = signature.extract(certificate(replace(passed, parts=()), lang="en")).shown
    assert shown["parts"] == "No part was replaced." and shown["faults"] == "No run as found is on record."


def test_it_is_small_and_fetches_nothing(page: str) -> None:
    assert len(page.encode()) < 150_000
    assert not re.search(r"(src|href)=|url\(|@import|<script", page)


# ---- the signature -------------------------------------------------------------------------------------------
def look(page: str) -> Finding:
    return examine("certificate.html", page, KEYS)


@pytest.mark.parametrize("lang", LANGS)
def test_what_the_station_signed_is_valid(passed: Record, found: dict[str, Any], lang: Lang) -> None:
    seen = look(certificate(passed, found, lang))
    assert seen.status == "valid" and seen.data is not None and seen.data["run_id"] == passed.run_id
    assert look(certificate(passed, found, lang).replace("\n", "\r\n")).status == "valid", "mail turned the line ends"


@pytest.fixture(scope="session")
def small(passed: Record, found: dict[str, Any]) -> str:
    """A certificate of four steps, so that every field of it can be tried in a second."""
    return certificate(replace(passed, steps=passed.steps[:2] + passed.steps[9:11]), found)


def test_every_shown_text_that_is_changed_on_the_page_is_named(small: str) -> None:
    page, shown = small, signature.extract(small).shown
    assert len(shown) > 50
    for field, text in shown.items():
        if not text:
            continue
        place = f'<span data-field="{markup.escape(field)}">'
        begin = page.index(place) + len(place)
        end = page.index("</span>", begin)
        other = ("8" if text[0] != "8" else "3") + markup.escape(text[1:])
        seen = look(page[:begin] + other + page[end:])
        assert seen.status == "altered" and seen.fields == (field,), field


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for name, member in value.items() for leaf in leaves(member, (*path, name))]
    if isinstance(value, list):
        return [leaf for place, member in enumerate(value) for leaf in leaves(member, (*path, place))]
    return [path]


def changed(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case None:
            return "x"
    return ("A" if value[:1] != "A" else "B") + value[1:]


def test_every_value_that_is_changed_in_the_embedded_data_is_noticed(small: str) -> None:
    embedded = signature.extract(small)
    paths = leaves(embedded.signed)
    assert len(paths) > 120
    for path in paths:
        signed = json.loads(embedded.text)
        where = signed
        for step in path[:-1]:
            where = where[step]
        where[path[-1]] = changed(where[path[-1]])
        seen = look(swapped(small, canonical(signed).decode()))
        expected = {"key_id": "unknown_key", "schema": "not_signed"}.get(str(path[0]), "altered")
        assert seen.status == expected, path
        if path[0] == "shown":
            assert path[1] in seen.fields, path


def swapped(page: str, text: str) -> str:
    begin = page.index(signature.OPEN) + len(signature.OPEN)
    return page[:begin] + str(escape(text)) + page[page.index(signature.CLOSE, begin) :]


def test_page_and_data_changed_alike_do_not_help(page: str) -> None:
    embedded = signature.extract(page)
    forged = json.loads(embedded.text)
    forged["shown"]["guarantee_until"] = forged["data"]["guarantee_until"] = "2099-01-01"
    bent = swapped(page, "").replace("2027-05-22", "2099-01-01")
    forged["page_sha256"] = signature.extract(swapped(bent, canonical(forged).decode())).page_sha256
    seen = look(swapped(bent, canonical(forged).decode()))
    assert seen.status == "altered" and seen.fields == (signature.DATA,)


@pytest.mark.parametrize(
    "change",
    [
        lambda page: page.replace("</style>", "[data-field=verdict]{display:none}</style>", 1),
        lambda page: page.replace("</main>", "<p>also valid for WO-9</p></main>", 1),
        lambda page: page.replace(' class="watermark"', "", 1).replace("<h1>", "<h1> ", 1),
        lambda page: page + "<!-- -->",
    ],
    ids=["style", "a sentence more", "white space", "a comment at the end"],
)
def test_anything_else_that_is_changed_is_noticed_too(page: str, change: Any) -> None:
    seen = look(change(page))
    assert seen.status == "altered" and seen.fields == (signature.PAGE,)


def test_signed_texts_turned_back_into_markup_are_altered(passed: Record) -> None:
    text = "</pre><style>[data-field=verdict]{display:none}</style><img src=//evil/x>"
    page = certificate(replace(passed, parts=(replace(passed.parts[0], number=text, source="a < b"),)))
    assert look(page).status == "valid"
    begin, end = page.index(signature.OPEN), page.index(signature.CLOSE)
    for written, meant in (("&lt;", "<"), ("&gt;", ">"), ("&lt;img", "<img"), ("&#34;", '"'), ("&#34;", "&quot;")):
        bent = page[:begin] + page[begin:end].replace(written, meant) + page[end:]
        seen = look(bent)
        assert bent != page and seen.status == "altered" and signature.DATA in seen.fields, (written, meant)


def test_a_browser_is_told_to_fetch_and_run_nothing(page: str) -> None:
    policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', page)
    assert policy is not None and page.index("<style>") > policy.start()
    assert "default-src 'none'" in policy[1] and "script-src" not in policy[1]


def test_a_field_that_stands_there_twice_is_named(page: str) -> None:
    seen = look(page.replace("</main>", '<span data-field="verdict">合格 (PASS)</span></main>', 1))
    assert seen.status == "altered" and seen.fields == ("verdict",)


def test_a_second_spelling_of_the_same_data_is_altered(page: str) -> None:
    text = signature.extract(page).text
    seen = look(swapped(page, text.replace('"schema":', '"schema": ', 1)))
    assert seen.status == "altered" and seen.reason is not None and "canonical" in seen.reason
    double = text.replace('{"data":', '{"data":{"simulated":false},"data":', 1)
    assert look(swapped(page, double)).status == "altered", "a name that stands there twice"


def test_another_stations_key_is_unknown_and_a_page_without_one_not_signed(passed: Record, page: str) -> None:
    other = new_key()
    assert look(certificate(passed, key=other)).status == "unknown_key"
    assert look(certificate(passed, key=SigningKey(KEY.key_id, other.private))).status == "altered"
    unsigned = certificate(passed, key=None, lang="en")
    assert look(unsigned).status == "not_signed" and "Not signed" in unsigned
    assert look("<html>a report</html>").status == "not_signed"
    assert look(swapped(page, "{]")).status == "not_signed"


def test_the_key_file_of_the_station_signs(passed: Record, tmp_path: Any) -> None:
    save_key(tmp_path / "k.json", KEY)
    made = render_certificate(plain_record(passed), Reader("en"), None, signer_of(tmp_path / "k.json"))
    assert look(made).status == "valid"


HOSTILE = "<b onclick=alert(1)>x</b></pre><!-- signed --><span data-field=verdict>"


def test_no_text_of_the_record_forges_a_field_or_ends_the_signed_data(passed: Record) -> None:
    record = replace(
        passed, work_order=HOSTILE, repair_engineer=HOSTILE, parts=(replace(passed.parts[0], source=HOSTILE),)
    )
    seen = look(certificate(record))
    assert seen.status == "valid" and seen.data is not None and seen.data["work_order"] == HOSTILE
    assert "<b onclick" not in certificate(record)
