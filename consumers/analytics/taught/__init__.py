"""Shapes and movements that users teach by examples: learning them, keeping them, and recognising them."""
