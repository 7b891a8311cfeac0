"""Imports: files of a dealer's own system become customers, vehicles, sales, work orders, leads, policies, staff, opt-outs.

Owns: what a file may look like (`fields`, `headings`, `read`), what a cell may hold (`clean`, `rows`), how rows meet what is
already there (`stage`, `merge`), and the life of one import (`job`).
Writes: imports, import_files, import_problems, and, by set, the tables of the kinds it reads.
Never: drops a row, a cell or a column without saying so; decides when anybody is called (that is `shared.planning`); keeps an
uploaded file after the import has ended.
"""
