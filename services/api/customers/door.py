"""What another feature may take here: numbers as they may be shown."""

from __future__ import annotations

from services.api.customers.points import of_customers

__all__ = ["of_customers"]
