"""What a run would build with the interpreter's lock held is built before the first scan."""

from __future__ import annotations

import pytest

from station.contract.bodies import Body
from station.contract.building import build
from station.contract.records import RecordCodec, adapter
from station.domain.errors import MessageError


def test_whatever_the_store_reads_and_writes_and_every_body_is_built() -> None:
    adapter.cache_clear()
    build()
    built, codec = adapter.cache_info().misses, RecordCodec()
    readers = [name for name in dir(codec) if name.endswith("_from_json")]
    assert len(readers) == 5
    for name in readers:
        with pytest.raises(MessageError):
            getattr(codec, name)("{}")
    assert adapter.cache_info().misses == built
    bodies = [Body]
    for body in bodies:
        assert body is Body or body.__pydantic_complete__, body
        bodies += body.__subclasses__()
    assert len(bodies) > 20
