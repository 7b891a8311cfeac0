"""What the scheduler counts for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

BUCKETS = (0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.15, 0.25, 0.5, 1, 5, 30, 300)


class Meters:
    """Counters of one scheduler, in a registry of its own."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.promoted = Counter("huifang_visits_promoted", "Visits that became due by the set-based path.", registry=registry)
        self.progressed = Counter("huifang_visits_progressed", "Visits brought on one by one.", registry=registry)
        self.expired = Counter("huifang_visits_expired", "Visits whose window closed before anybody saw them.", registry=registry)
        self.events = Counter("huifang_due_events", "Due-contact events written.", registry=registry)
        self.signals = Counter("huifang_signals", "Signals of the notifier applied.", registry=registry)
        self.poisoned = Counter(
            "huifang_visits_set_aside", "Visits that could not be brought on and were put off.", registry=registry
        )
        self.rung = Counter("huifang_events_rung", "Events the notifier was told of through Redis.", registry=registry)
        self.unrung = Counter("huifang_events_unrung", "Events left to NOTIFY and the notifier's sweep.", registry=registry)
        self.redis_up = Gauge("huifang_redis_up", "1 while the bell works.", registry=registry)
        self.lag = Histogram(
            "huifang_due_lag_seconds", "Machine seconds from due to claimed.", buckets=BUCKETS, registry=registry
        )
        self.jobs = Counter("huifang_jobs", "Jobs of the calendar by name and result.", ["name", "result"], registry=registry)
