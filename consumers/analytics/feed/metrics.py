"""The feed's metrics, one definition each. Never a label by stream or reader: their number has no bound."""

from typing import Final

from observability.metrics import CounterDef, GaugeDef

# Records of the topic of events, good or bad.
EVENTS_READ: Final = CounterDef("holistic_feed_events_read", "Records read from the topic of events.")
# Records that are no events; each has a line in the log.
EVENTS_UNREADABLE: Final = CounterDef("holistic_feed_events_unreadable", "Records skipped because they are no events.")
# Events published again, which readers are not sent again.
EVENTS_REPEATED: Final = CounterDef("holistic_feed_events_repeated", "Events that had been sent before.")
# Readers that are connected, by what they read.
READERS: Final = GaugeDef("holistic_feed_readers", "Readers connected now.", ("of",))
# Readers cut off because they did not keep up.
CUT_OFF: Final = CounterDef("holistic_feed_readers_cut_off", "Readers that did not keep up and were cut off.", ("of",))
# 1 while a topic is followed, 0 while it is absent or Kafka away.
FOLLOWING: Final = GaugeDef("holistic_feed_following", "1 while the topic is followed.", ("of",))
