"""Which shape each hand has, and how long it is held."""
