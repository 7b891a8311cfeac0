"""The compose deployment, really run: `python -m tests.compose` (`make compose-test`).

Owns: building the image, starting deploy/compose.yaml under a project name of its own, passing one follow-up through it, taking
it down. Never: touches a deployment of another name, or publishes a port beyond loopback.
"""
