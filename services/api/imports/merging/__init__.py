"""Staged rows meet what is already there: always whole sets, never a look before a leap.

Order: rows of one key are folded into their last; people are found or made; cars are found, made or pass to a new owner; then the
rows of the kind itself. Each stage row ends with an outcome: created, updated, unchanged or rejected.
"""

from services.api.imports.merging.merge import Merged, merge
from services.api.imports.merging.run import Run

__all__ = ["Merged", "Run", "merge"]
