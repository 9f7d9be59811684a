"""Solved motion over time: smoothed, gated, held, faded, and shown at a steady rate."""
