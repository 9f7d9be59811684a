"""The VMC protocol: profiles of receivers, and packets."""
