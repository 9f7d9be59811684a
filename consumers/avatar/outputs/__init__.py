"""Where states go: each output writes one performer's state in a form of its own, and sends it."""
