"""From a picture to the points of a person: what a landmarker is, and MediaPipe Holistic as one."""
