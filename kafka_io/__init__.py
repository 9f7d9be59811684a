"""Kafka clients made one way for every service: settings, admin calls, bounded publisher, consumer, schema topic."""
