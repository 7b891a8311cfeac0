"""The schema, one aggregate a file. Every row of a store has the key `(store_id, id)`; references carry `store_id`.

Owns: the tables' shape. Writes: nothing. Who may write which column is `deploy/grants.sql`.
"""

from sqlmodel import SQLModel

from shared.tables import changes, complaints, customers, imports, messages, offers, plumbing, reports, stores, vehicles, visits

metadata = SQLModel.metadata

__all__ = [
    "changes",
    "complaints",
    "customers",
    "imports",
    "messages",
    "metadata",
    "offers",
    "plumbing",
    "reports",
    "stores",
    "vehicles",
    "visits",
]
