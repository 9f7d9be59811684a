"""Landmarkers in worker processes: one graph per stream, replaced when it hangs, breaks or grows too large."""
