"""预约 appointments: booking, moving, what became of them, free hours, the workshop's list of the day, a feed for calendars.

Owns: the wire of all that, and the tokens of feeds. Writes: through `shared.appointments`; a store's plan of slots; hook_tokens of kind
`calendar`. Never: lets an hour hold more cars than its plan says, shows a telephone number.
"""
