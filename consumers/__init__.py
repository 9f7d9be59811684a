"""The services that read the tracking topic, each a group of its own; none knows the others."""
