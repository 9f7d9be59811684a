"""Exercises: repetitions counted one by one, each with notes on its form."""
