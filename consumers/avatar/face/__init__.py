"""The face mesh to blendshapes and expressions."""
