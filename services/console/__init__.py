"""The staff's web pages: server-rendered HTML, htmx for parts of a page, small JavaScript files of our own.

Owns: pages, their words and looks, the sealed cookie that holds a person's tokens. Writes: nothing; every change goes through the
API, as any front end's would. Never: touches the database, keeps state between requests, decides what a rule says.
"""
