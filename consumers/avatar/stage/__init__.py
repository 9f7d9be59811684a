"""Who performs: the performers of this replica, and which of their frames is the newest."""
