"""How does Prometheus read the figures? The text of `/metrics`: base units, bounded labels, nothing of this process's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from mx.models.measures import Gauge, Measures, Tally

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
# Labels come from the context, so they are bounded by it; of a larger one the rest is told together.
MOST_PROCESSES = 2_000
THE_REST = "(other)"


def text_of(measures: Measures) -> bytes:
    """Return the figures as Prometheus reads them."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Told(measures))
    return generate_latest(registry)


class _Told(Collector):
    """Hands out what was measured, once."""

    def __init__(self, measures: Measures) -> None:
        self._measures = measures

    def collect(self) -> Iterator[Metric]:
        """Yield the families, in a fixed order."""
        for families in (_of_processes, _of_work, _of_turns, _of_queues, _of_faults):
            yield from families(self._measures)


def _of_processes(told: Measures) -> Iterator[Metric]:
    gauges = told.gauges[:MOST_PROCESSES]
    jobs = GaugeMetricFamily("horarium_jobs", "Jobs that are due or under way, by state.", labels=["process", "state"])
    for gauge in gauges:
        for state, count in gauge.counts.items():
            jobs.add_metric([gauge.process, state.removeprefix("state_")], count)
    yield jobs
    yield _gauges("horarium_process_on", "Whether the process is switched on.", gauges, "is_on")
    yield _gauges("horarium_jobs_late", "Unfinished jobs that are past their deadline.", gauges, "late")
    for phase, what in (("held", "Jobs that an operator must release."), ("failing", "Jobs whose last attempt failed.")):
        family = GaugeMetricFamily(f"horarium_jobs_{phase}", what, labels=["process"])
        for gauge in gauges:
            family.add_metric([gauge.process], gauge.phases.get(phase, 0))
        yield family
    watermark = GaugeMetricFamily(
        "horarium_watermark_timestamp_seconds", "End of the last period up to which all are finished, as Unix time.", labels=["process"]
    )
    for gauge in gauges:
        if gauge.complete_until is not None:
            watermark.add_metric([gauge.process], gauge.complete_until.timestamp())
    yield watermark
    yield _gauges("horarium_lag_seconds", "Age of the end of the oldest period that is due and unfinished; 0: none is.", gauges, "lag_s")


def _of_work(told: Measures) -> Iterator[Metric]:
    durations = HistogramMetricFamily("horarium_uow_duration_seconds", "What the last attempt of a unit of work took.", labels=["process"])
    _add_tallies(durations, told.durations)
    yield durations
    waits = HistogramMetricFamily("horarium_queue_wait_seconds", "From the request of a unit of work to its last start.", labels=["lane"])
    _add_tallies(waits, told.waits)
    yield waits
    ended = CounterMetricFamily("horarium_uows_ended", "Units of work that ended, by how.", labels=["process", "state"])
    for (process, state), count in _bounded(told.ended.items()):
        ended.add_metric([process, state.removeprefix("state_")], count)
    yield ended
    failed = CounterMetricFamily("horarium_attempts_failed", "Attempts of managed processes that failed.", labels=["process"])
    for (process,), count in _bounded(((name,), count) for name, count in told.failed_attempts.items()):
        failed.add_metric([process], count)
    yield failed
    fires = CounterMetricFamily("horarium_fires", "Fires of freerun entries, by what became of them.", labels=["process", "outcome"])
    for (process, outcome), count in _bounded(told.fires.items()):
        fires.add_metric([process, outcome], count)
    yield fires


def _of_turns(told: Measures) -> Iterator[Metric]:
    yield GaugeMetricFamily("horarium_scheduler_leads", "Whether a scheduler leads.", value=int(told.leads))
    yield CounterMetricFamily("horarium_turns", "Turns that were committed, ever.", value=told.turns)
    if told.turn_age_s is not None:
        yield GaugeMetricFamily("horarium_turn_age_seconds", "Since the leader's last turn that succeeded.", value=told.turn_age_s)
    if told.rounds is not None:
        buckets, total_s = _buckets(told.rounds)
        yield HistogramMetricFamily("horarium_turn_duration_seconds", "What a turn of the leader took.", buckets=buckets, sum_value=total_s)
    sessions = GaugeMetricFamily("horarium_sessions", "Open sessions, by kind.", labels=["kind"])
    for kind, count in told.sessions.items():
        sessions.add_metric([kind], count)
    yield sessions
    yield GaugeMetricFamily("horarium_slots", "Slots of all workers.", value=told.slots)
    yield GaugeMetricFamily("horarium_commands_open", "Commands that wait for their answer.", value=told.open_commands)


def _of_queues(told: Measures) -> Iterator[Metric]:
    if told.depths is not None:
        depths = GaugeMetricFamily("horarium_queue_messages", "Messages that wait in a queue.", labels=["queue"])
        for (queue,), depth in _bounded((((name,), depth) for name, depth in told.depths.items()), 2 * MOST_PROCESSES):
            depths.add_metric([queue], depth)
        yield depths
    if told.dead_letters is not None:
        yield GaugeMetricFamily("horarium_dead_letters", "Messages that the broker gave up on.", value=told.dead_letters)


def _of_faults(told: Measures) -> Iterator[Metric]:
    yield CounterMetricFamily("horarium_leases_expired", "Sessions that were declared lost.", value=told.leases_expired)
    yield CounterMetricFamily("horarium_fenced_reports", "Outcomes that the fence refused.", value=told.fenced_reports)
    if told.findings is not None:
        yield GaugeMetricFamily(
            "horarium_missing_periods", "Periods without a right record among what finished in the last 24 hours.",
            value=told.findings.get("missing", 0),
        )  # fmt: skip
        findings = GaugeMetricFamily("horarium_audit_findings", "What the audit of the last 24 hours found, by kind.", labels=["kind"])
        for kind, count in told.findings.items():
            findings.add_metric([kind], count)
        yield findings


def _gauges(name: str, what: str, gauges: Iterable[Gauge], field: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, what, labels=["process"])
    for gauge in gauges:
        family.add_metric([gauge.process], float(getattr(gauge, field)))
    return family


def _add_tallies(family: HistogramMetricFamily, tallies: Mapping[str, Tally]) -> None:
    for at, (label, tally) in enumerate(tallies.items()):
        if at < MOST_PROCESSES:
            buckets, total_s = _buckets(tally)
            family.add_metric([label], buckets=buckets, sum_value=total_s)


def _buckets(tally: Tally) -> tuple[list[tuple[str, float]], float]:
    """Return the counts up to each bound, as Prometheus adds them up, and the sum."""
    found, so_far = [], 0
    for bound, count in zip((*map(str, tally.bounds), "+Inf"), tally.counts, strict=True):
        so_far += count
        found.append((bound, float(so_far)))
    return found, tally.total_s


def _bounded(counts: Iterable[tuple[tuple[str, ...], int]], most: int = MOST_PROCESSES) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield counts by labels; those of processes beyond `most` are told as one."""
    names: set[str] = set()
    told: Counter[tuple[str, ...]] = Counter()
    for labels, count in counts:
        if len(names) < most:
            names.add(labels[0])
        told[(labels[0] if labels[0] in names else THE_REST, *labels[1:])] += count
    yield from told.items()
