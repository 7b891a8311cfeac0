"""What another feature may say here: there is no such car."""

from __future__ import annotations

from services.api.vehicles.actions import VehicleNotFound

__all__ = ["VehicleNotFound"]
