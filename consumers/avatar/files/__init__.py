"""Files of motion and of models: what is recorded, for other programs to open, and what is read of a user's model."""
