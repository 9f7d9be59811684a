"""Where pictures come from: every source yields `Captured` pictures, and says by `Refused` what it could not read."""
