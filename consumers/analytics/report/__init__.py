"""A page about one stream: how much was seen of it, and what was found in it."""
