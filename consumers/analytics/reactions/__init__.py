"""Rules users write: when this is seen, then that is told to them."""
