"""Every word of the wire that people read, in Chinese and English: the only list. Owns nothing, writes nothing."""
