"""What another feature may take here: what a store sets for its figures."""

from __future__ import annotations

from services.api.reports.targets import KpiReferences, KpiTargets

__all__ = ["KpiReferences", "KpiTargets"]
