"""The live page: events as they happen, a timeline of each stream, and the skeleton they are about."""
