"""The live feed of a store: ids of what changed, for pages that are open. Owns nothing, writes nothing."""
