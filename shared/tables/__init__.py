"""The schema, one aggregate a file. Every row of a store has the key `(store_id, id)`; references carry `store_id`.

Owns: the tables' shape. Writes: nothing. Who may write which column is `deploy/grants.sql`.
"""

from sqlmodel import SQLModel

from shared.tables import customers, imports, messages, plumbing, stores, vehicles, visits

metadata = SQLModel.metadata

__all__ = ["customers", "imports", "messages", "metadata", "plumbing", "stores", "vehicles", "visits"]
