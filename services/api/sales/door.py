"""What another feature may do here: write on a delivery what a finished task says."""

from __future__ import annotations

from services.api.sales.actions import SaleNotFound, change_sale

__all__ = ["SaleNotFound", "change_sale"]
