"""A simulated quarter of one store: `python -m tests.quarter` (`make quarter`).

Owns: an invented town of customers, what happens to them day by day, a desk that works its list over the API, and a second
reckoning of the KPIs by plain SQL. Everything between is the product itself: api, scheduler and notifier as processes, PostgreSQL,
Valkey, a gateway and a mail server on sockets; only the clock is moved by hand. Never: shares code with shared/reports, or writes
a row of the product's tables by itself.
"""
