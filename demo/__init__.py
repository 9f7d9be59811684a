"""The whole suite once, end to end, with everything counted: what `holistic demo` shows."""
