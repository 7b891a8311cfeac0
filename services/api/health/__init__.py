"""Is the process alive, is it ready, what has it counted. Owns nothing, writes nothing."""
