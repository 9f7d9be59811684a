"""The live feed of analytics: its events as they happen, and the skeletons they are about, to whoever reads along."""
