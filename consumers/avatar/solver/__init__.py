"""Landmarks to bones: geometry, one module a part of the body."""
