"""Reports and the figures of a store, from the facts as they are; the paper forms as JSON and as Excel.

Owns: what each figure counts and leaves out, the shape of every report, closed months. Writes: frozen_reports, and word of a finished
month to those who lead. Never: changes a fact, keeps a figure beside the facts before its month is closed, or decides who may read.
"""
