"""The built-in avatar: a person made of smooth surfaces by this code alone, as a VRM 1.0 model."""
