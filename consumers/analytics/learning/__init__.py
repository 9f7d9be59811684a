"""Classifiers that learn from labelled rows, and how well they do on rows they have not seen."""
