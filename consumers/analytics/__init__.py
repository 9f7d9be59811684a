"""The analytics service: keypoints become gestures, with start, end and confidence, in Postgres and on a topic."""
