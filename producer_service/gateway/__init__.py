"""The HTTP API: pictures in, what became of them out, and nothing that was not asked for."""
