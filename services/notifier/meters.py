"""What the notifier counts for Prometheus."""

from __future__ import annotations

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter


@dataclass
class Meters:
    """Counters of one notifier, in a registry of its own. `verdicts` is what an alarm on uncertain sends watches (0.5 % in 15 min)."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        self.events = Counter("huifang_events_handled", "Due-contact events handled.", registry=self.registry)
        self.verdicts = Counter(
            "huifang_provider_calls", "Calls of providers by channel and verdict.", ["channel", "verdict"], registry=self.registry
        )
        self.stopped = Counter(
            "huifang_sends_stopped", "Sends stopped at the mark, by reason.", ["reason"], registry=self.registry
        )
        self.callbacks = Counter("huifang_callbacks_handled", "Callbacks applied or set aside.", registry=self.registry)
        self.reconciled = Counter("huifang_messages_reconciled", "Messages that time settled.", registry=self.registry)
        self.faults = Counter("huifang_loop_faults", "Rounds of a loop that failed.", ["loop"], registry=self.registry)
