"""The avatar service's own metrics; what every sink has is the runtime's."""

from typing import Final

from observability.metrics import CounterDef, GaugeDef, HistogramDef, Metrics

_SECONDS: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)

# Datagrams that left, keep-alive ticks included, over all targets.
PACKETS_SENT = CounterDef("holistic_avatar_packets_sent", "Datagrams sent.")
# Datagrams a target's host refused, or the network would not take.
PACKETS_REFUSED = CounterDef("holistic_avatar_packets_refused", "Datagrams refused by targets that are away.")
# Streams whose avatars move or fade now.
PERFORMERS_ON_STAGE = GaugeDef("holistic_avatar_performers", "Performers on stage.")
# WebSockets of the viewer page and of programs, live and replaying.
WATCHERS = GaugeDef("holistic_avatar_watchers", "Connections that watch avatars.")
# Frames that moved an avatar.
FRAMES_SHOWN = CounterDef("holistic_avatar_frames_shown", "Frames an avatar was moved by.")
# Frames passed over: superseded (a newer one was there), stale (too old for live mode), late and duplicate (by their
# own time and position), unassigned (nobody was seen in the stream yet, or the stage is full).
FRAMES_PASSED_OVER = CounterDef("holistic_avatar_frames_passed_over", "Frames not shown, by reason.", ("reason",))
REASONS: Final = ("superseded", "stale", "late", "duplicate", "unassigned")
# Single jumps of a bone, a shape or a root that the gate took for wrong landmarks and did not show.
OUTLIERS = CounterDef("holistic_avatar_outliers", "Single jumps of a body part that were not shown.")
# From the sink's put to the last datagram of the frame's state.
PUT_TO_PACKET_SECONDS = HistogramDef(
    "holistic_avatar_record_to_datagram_seconds", "From receiving a record to sending its last datagram.", _SECONDS
)
# From the frame's capture to the last datagram of its state; of a file's frames their clock is the file's.
CAPTURE_TO_PACKET_SECONDS = HistogramDef(
    "holistic_avatar_capture_to_datagram_seconds", "From capture to sending the last datagram.", _SECONDS
)


def show_from_the_start(metrics: Metrics) -> None:
    """Let each be seen before it is first counted: what appears at 1 was never seen to grow."""
    for counter in (PACKETS_SENT, PACKETS_REFUSED, FRAMES_SHOWN, OUTLIERS):
        metrics.counter(counter)
    for reason in REASONS:
        metrics.counter(FRAMES_PASSED_OVER, reason=reason)
    for histogram in (PUT_TO_PACKET_SECONDS, CAPTURE_TO_PACKET_SECONDS):
        metrics.histogram(histogram)
    metrics.gauge(PERFORMERS_ON_STAGE)
