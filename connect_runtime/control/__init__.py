"""What all replicas of a connector agree on: its settings, whether it is to run, and how each of them is."""
