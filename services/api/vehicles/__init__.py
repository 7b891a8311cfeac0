"""Vehicles 车辆: one row for a car under one owner, its readings, its passing to another.

Owns: what a car's file may say. Writes: vehicles, mileage_readings, audit_log; visits of a car that left, through shared.planning.
Never: shows a new owner anything of the old one: the same VIN starts as a new row.
"""
