"""What the API counts for Prometheus. Labels are templates of paths, never values of a request."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Meters:
    """Counters of one app, in a registry of its own, so that two apps in a process do not meet."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.requests = Counter(
            "huifang_http_requests", "Answers by route and status.", ["method", "route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "huifang_http_request_seconds",
            "Time to the start of the answer.",
            ["method", "route"],
            buckets=BUCKETS,
            registry=registry,
        )
        self.sign_ins = Counter("huifang_sign_ins", "Sign-ins by result.", ["result"], registry=registry)

    def text(self) -> bytes:
        return generate_latest(self.registry)
