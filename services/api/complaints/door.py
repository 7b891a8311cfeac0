"""What another feature may show here: a complaint as it is on the wire."""

from __future__ import annotations

from services.api.complaints.schemas import ComplaintOut

__all__ = ["ComplaintOut"]
