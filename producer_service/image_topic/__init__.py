"""Pictures from a Kafka topic, shared out between machines by a consumer group."""
