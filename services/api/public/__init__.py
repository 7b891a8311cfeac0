"""Pages for a customer's phone: the survey and the unsubscribe link. Plain HTML, no script, no name, no number, no plate.

Owns: the answers of surveys given on the page, opt-outs by the link. Writes: `surveys`, the visit through `shared.progress`, tasks,
`opt_outs`. Never: changes anything on GET, because scanners of mail and chat open every link.
"""
