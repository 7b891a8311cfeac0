"""What another feature may do here: end a renewal by what a call heard."""

from __future__ import annotations

from services.api.policies.actions import settle_policy
from services.api.policies.schemas import ResultIn

__all__ = ["ResultIn", "settle_policy"]
