"""Reports and the KPI board over HTTP, as JSON and as Excel.

Owns: who sees which part of a report, the file's name, the pages behind a figure. Writes: audit_log (a file was taken out).
Never: counts anything itself; `shared.reports` does, for the scheduler as well.
"""
