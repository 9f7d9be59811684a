"""Frames as rows of a table partitioned by capture time, with views that name every landmark."""
