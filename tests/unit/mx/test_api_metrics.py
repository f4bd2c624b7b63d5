"""Is what Prometheus is told right and well formed? Every family, with base units and bounded labels."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from prometheus_client.parser import text_string_to_metric_families

from mx.metrics import MOST_PROCESSES, text_of
from mx.models.measures import Gauge, Measures, Tally
from tests.support.sources import ROOT

AT = datetime(2026, 11, 21, tzinfo=UTC)


def measures(**fields: object) -> Measures:
    """Return figures of a system with one process."""
    gauge = Gauge(process="a", is_on=True, counts={"state_processed": 3}, complete_until=AT, lag_s=7.0, late=1, phases={"held": 2})
    given: dict[str, object] = {
        "leads": True, "turns": 9, "turn_age_s": 0.5, "rounds": Tally(bounds=(1.0,), counts=(2, 1), total_s=4.0), "gauges": (gauge,),
        "durations": {"a": Tally(bounds=(1.0, 5.0), counts=(1, 0, 2), total_s=30.0)}, "waits": {},
        "ended": {("a", "state_noop"): 4}, "failed_attempts": {"a": 1}, "fires": {("load", "succeeded"): 5}, "leases_expired": 1,
        "fenced_reports": 2, "findings": {"missing": 1}, "depths": {"queue_a": 6}, "dead_letters": 0, "sessions": {"worker": 1}, "slots": 2,
    }  # fmt: skip
    return Measures.model_validate(given | fields)


def samples(told: Measures) -> dict[tuple[str, ...], float]:
    """Return every sample by its name and its labels in the order of their names."""
    families = text_string_to_metric_families(text_of(told).decode())
    return {(s.name, *(s.labels[name] for name in sorted(s.labels))): s.value for family in families for s in family.samples}


def test_every_figure_is_told() -> None:
    found = samples(measures())
    assert found["horarium_jobs", "a", "processed"] == 3
    assert found["horarium_watermark_timestamp_seconds", "a"] == AT.timestamp()
    assert found["horarium_lag_seconds", "a"] == 7
    assert found["horarium_jobs_held", "a"] == 2
    assert found["horarium_uows_ended_total", "a", "noop"] == 4
    assert found["horarium_fires_total", "succeeded", "load"] == 5
    assert found["horarium_turns_total",] == 9
    assert found["horarium_leases_expired_total",] == 1
    assert found["horarium_fenced_reports_total",] == 2
    assert found["horarium_missing_periods",] == 1
    assert found["horarium_queue_messages", "queue_a"] == 6


def test_a_histogram_adds_its_buckets_up() -> None:
    found = samples(measures())
    assert [found["horarium_uow_duration_seconds_bucket", le, "a"] for le in ("1.0", "5.0", "+Inf")] == [1, 1, 3]
    assert found["horarium_uow_duration_seconds_sum", "a"] == 30
    assert found["horarium_turn_duration_seconds_count",] == 3


def test_what_is_not_known_is_not_told() -> None:
    found = samples(measures(turn_age_s=None, rounds=None, depths=None, dead_letters=None, findings=None))
    names = {name for name, *_ in found}
    assert not names & {"horarium_turn_age_seconds", "horarium_queue_messages", "horarium_dead_letters", "horarium_missing_periods"}
    assert found["horarium_scheduler_leads",] == 1


def test_processes_beyond_the_bound_are_told_as_one() -> None:
    found = samples(measures(failed_attempts={f"p{number}": 1 for number in range(MOST_PROCESSES + 5)}))
    told = [key for key in found if key[0] == "horarium_attempts_failed_total"]
    assert (len(told), found["horarium_attempts_failed_total", "(other)"]) == (MOST_PROCESSES + 1, 5)


def test_a_name_from_outside_stays_one_label() -> None:
    hostile = 'a"} 1\nhorarium_jobs_late{process="b'
    gauge = Gauge(process=hostile, is_on=True, counts={}, complete_until=None, lag_s=0.0, late=3)
    assert samples(measures(gauges=(gauge,)))["horarium_jobs_late", hostile] == 3


def test_the_reference_names_every_family_and_no_other() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(horarium_[a-z_]+)(?:\{[a-z,]+\})?`", page))
    families = text_string_to_metric_families(text_of(measures(waits={"live": Tally(bounds=(1.0,), counts=(0, 0), total_s=0.0)})).decode())
    told = {f"{family.name}_total" if family.type == "counter" else family.name for family in families}
    assert named == told
