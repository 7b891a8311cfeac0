"""Programmes 回访方案 of a store: the YAML text in force, its versions, the policy selected, on or off.

Owns: their wire. Writes: programmes, and `stores.version`, so that every process reads the store anew.
Never: plans a visit; a changed programme speaks for what is planned from now on.
"""
