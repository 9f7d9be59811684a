"""A copy of the archive's files that is an archive itself, made while it is written to, and what is put back of it."""
