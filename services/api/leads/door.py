"""What another feature may do here: a delivery wins the leads of whoever bought."""

from __future__ import annotations

from services.api.leads.won import win_by_sales

__all__ = ["win_by_sales"]
