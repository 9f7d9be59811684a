"""Every fault the suite says it survives, injected while it works, and an audit of what is left."""
