"""The stories of the domain, each through all services as processes, with a clock that is stepped.

Owns: the harness (`system.py`) and one test for each story. The outside world is a real HTTP gateway and a real SMTP server, each with
a log of its own. Never: reaches into a service; what a person does goes through the API.
"""
