"""Which runs the calibrations on file name, in whatever words: they stay, because a correction rests on them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from station.domain.calibration import Calibration, Revision

_ID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_BETWEEN = r" ?[-\u2013] ?| to "
_NUMBERS = re.compile(
    rf"\bruns? (?:nos?\.? ?)?([0-9]{{1,9}}(?:(?:{_BETWEEN}|, (?:and )?|,| and )[0-9]{{1,9}})*)\b", re.IGNORECASE
)
_RANGE = re.compile(rf"([0-9]+)(?:{_BETWEEN})([0-9]+)", re.IGNORECASE)
RANGE_MOST = 10_000
"""Runs that `17-20` may stand for; what has more is a date or the like."""


def runs_named_in(calibrations: Mapping[str, Calibration]) -> frozenset[str]:
    """Ids, and numbers as texts, in what a person wrote: reference, certificate and note of every revision."""
    texts = (text for one in calibrations.values() for revision in one.revisions for text in _texts(revision))
    return frozenset(_named(texts))


def _texts(revision: Revision) -> Iterable[str]:
    return (revision.reference, revision.certificate, revision.note)


def _named(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from _ID.findall(text)
        for told in _NUMBERS.findall(text):
            yield from re.findall(r"[0-9]+", told)
            for first, last in _RANGE.findall(told):
                if int(last) - int(first) < RANGE_MOST:
                    yield from map(str, range(int(first), int(last) + 1))
