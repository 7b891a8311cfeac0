"""How fast, beside what: each figure is a ratio to a baseline that ran in the same minutes on the same servers.

Owns: the baselines (the least code that does the same work), the load, the measuring. Writes: `bench/results/*.json`.
Never: times our own code with anything of it left out; compares with figures of another run. `python -m bench --help`.
"""
