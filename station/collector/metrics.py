"""A worker's figures as Prometheus reads them, on a port of their own. Needs the extra `centre`.

The number of series is bounded: stations have one each as long as this worker heard of at most `STATIONS_SHOWN`, and
above that only how many of them are silent for how long.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector as Source

from station.collector.figures import BATCH_BOUNDS_S, Figures

STATIONS_SHOWN = 500
SILENCES_S = (60, 600, 3600, 86_400)
_NAME = "bench_collector"


class FiguresSource(Source):
    """Reads `Figures` anew at each scrape."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Every family of series."""
        figures = self._figures
        yield _counter("messages_received", "Messages that came in", ["kind"], _keyed(figures.received))
        yield _counter("messages", "Messages by what became of them", ["kind", "outcome"], dict(figures.answered))
        yield _counter("receipts", "Receipts sent", ["status"], _keyed(figures.receipts))
        yield _counter("alarms", "Alarms of the centre itself", ["code", "outcome"], dict(figures.alarms))
        yield _counter("database_errors", "Times the database was given up", [], {(): figures.database_errors})
        yield _counter("links", "Links to the broker that stood", [], {(): figures.links})
        yield _gauge("linked", "1 while a link to the broker stands", figures.linked)
        yield _gauge("database_up", "1 while the database takes what it is given", figures.database_up)
        yield _gauge("commit_age_seconds", "How long the commit under way has lasted", figures.commit_age_s())
        if figures.online is not None:
            yield _gauge("stations_online", "Stations online, as the database has it", figures.online)
        yield self._batches()
        yield from self._silences()

    def _batches(self) -> Metric:
        counts, total = self._figures.batches.copy(), 0
        buckets = []
        for bound, count in zip((*map(str, BATCH_BOUNDS_S), "+Inf"), counts, strict=True):
            total += count
            buckets.append((bound, float(total)))
        name, text = f"{_NAME}_batch_seconds", "Seconds from a batch to its commit"
        return HistogramMetricFamily(name, text, buckets=buckets, sum_value=self._figures.batch_s_sum)

    def _silences(self) -> Iterator[Metric]:
        silences = self._figures.silences_s()
        text = "Stations that this worker has not heard for longer than so many seconds"
        many = GaugeMetricFamily(f"{_NAME}_stations_silent", text, labels=["longer_than"])
        for bound in SILENCES_S:
            many.add_metric([str(bound)], sum(silence > bound for silence in silences.values()))
        yield many
        if len(silences) <= STATIONS_SHOWN:
            text = "Seconds since this worker heard of a station"
            each = GaugeMetricFamily(f"{_NAME}_station_silence_seconds", text, labels=["station"])
            for station, silence in sorted(silences.items()):
                each.add_metric([station], silence)
            yield each


def serve_metrics(figures: Figures, host: str, port: int) -> int:
    """Serve them in a thread of their own until the process ends; returns the port. Raises `OSError`."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(FiguresSource(figures))
    server, _ = start_http_server(port, host, registry)
    return int(server.server_port)


def _keyed(counts: dict[str, int]) -> dict[tuple[str, ...], int]:
    return {(key,): count for key, count in counts.copy().items()}


def _counter(name: str, text: str, labels: list[str], counts: dict[Any, int]) -> Metric:
    family = CounterMetricFamily(f"{_NAME}_{name}", text, labels=labels)
    for key, count in sorted(counts.items()):
        family.add_metric(list(key), count)
    return family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{_NAME}_{name}", text, value=float(value))
