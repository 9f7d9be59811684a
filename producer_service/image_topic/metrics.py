"""What can be watched of the topic of images; never a label by stream."""

from typing import Final

from observability.metrics import CounterDef, GaugeDef, Metrics

# Records read from the topic, those read again included.
READ = CounterDef("holistic_images_read", "Images read from Kafka.")
# Frames Kafka acknowledged.
PUBLISHED = CounterDef("holistic_images_published", "Images whose frames Kafka acknowledged.")
# Images passed over because their frame was there already: their last reader died before it committed.
ALREADY_PUBLISHED = CounterDef("holistic_images_already_published", "Images passed over: their frames were there.")
# Images that gave no frame, acknowledged by the topic of dead letters.
DEAD_LETTERS = CounterDef("holistic_images_dead_letters", "Images that became dead letters.")
# A partition read again because frames did not reach Kafka.
READ_AGAIN = CounterDef("holistic_images_partitions_read_again", "Partitions read again after Kafka was away.")
# Offsets that were gone before they were read.
GONE = CounterDef("holistic_images_gone", "Images retention took before they were read.")
PARTITIONS = GaugeDef("holistic_images_partitions", "Partitions of the topic this process has.")
STREAMS = GaugeDef("holistic_images_streams", "Streams that are open in this process.")
WAITING = GaugeDef("holistic_images_waiting", "Images read, and not handed to their stream yet.")

COUNTERS: Final = (READ, PUBLISHED, ALREADY_PUBLISHED, DEAD_LETTERS, READ_AGAIN, GONE)
GAUGES: Final = (PARTITIONS, STREAMS, WAITING)


def show_from_the_start(metrics: Metrics) -> None:
    """Let each be seen before it is first counted."""
    for counter in COUNTERS:
        metrics.counter(counter)
    for gauge in GAUGES:
        metrics.gauge(gauge)
