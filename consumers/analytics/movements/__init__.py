"""Movements: gestures and actions that are told by how something moves, or by how the body is held."""
