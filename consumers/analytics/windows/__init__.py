"""How much happened in a stretch of event time, and how much of it was observed."""
