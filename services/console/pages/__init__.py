"""One module a page, with the templates of the same name beside it.

Owns: what each page asks of the API and how it answers the browser. Never: a rule; another page's module.
"""
