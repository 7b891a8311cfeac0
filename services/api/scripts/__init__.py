"""话术 scripts: a store's own words and questions for a step of a programme; without them the programme's own hold.

Owns: `store_scripts`, and laying them over the steps for briefs and attempts. Writes: those.
Never: changes a programme, keeps a script that has a fault.
"""
