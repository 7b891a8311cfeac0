"""The outside world for tests: an HTTP SMS gateway and an SMTP server on real sockets, each with a log of its own."""
