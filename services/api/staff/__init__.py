"""Staff: who works in a store, as what, who may sign in, who is away, whose open work becomes others'.

Owns: `staff`, `staff_absences`, `handovers`. Writes: those, the accounts of people, the audit log; through `shared.handover` whose open
visits, files, leads, appointments, complaints and tasks are. Never: removes a person; histories name them.
"""
