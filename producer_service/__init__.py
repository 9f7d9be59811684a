"""Images and video in, body, face and hand keypoints on Kafka out: capture → landmarks → encode → publish."""
