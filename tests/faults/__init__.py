"""What happens when things die: kills, outages, floods, with the gateway's own log joined to the database afterwards.

Owns: a fork server that starts services in milliseconds (`forks.py`), a house of real servers to break (`house.py`), the history of a
run (`history.py`), what must hold of it (`checker.py`), and docs/faults.md (`record.py`). A long run is marked slow: `make faults`.
Never: mocks a part of ours; what dies is a process, what is cut is a server.
"""
