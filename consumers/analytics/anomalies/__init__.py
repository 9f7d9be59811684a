"""Something about a person that somebody may have to look at."""
