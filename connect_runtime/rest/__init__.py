"""Kafka Connect's REST API, with health and metrics beside it, answered by every replica for the whole group."""
