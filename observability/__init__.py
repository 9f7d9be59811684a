"""What every service tells about itself: logs, metrics, health."""
