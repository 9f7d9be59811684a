"""glTF binary files: written, read, and what the skeleton of a VRM model in one says."""
