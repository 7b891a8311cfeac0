"""The rules of the house: calendar, programmes, windows, the ladder, consent, complaints, figures, as pure functions of their arguments.

Owns: what is due, when, to whom, by which channel, and what follows from what came of it. Writes: nothing.
Never: imports more than the standard library; reads a clock, a row or a file. Time is an argument.
"""
