"""What a frame shows, measured: pure functions on columns of landmarks."""
