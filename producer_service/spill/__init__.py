"""Live frames on disk while Kafka is away: bounded, in order, and sent when it is back."""
