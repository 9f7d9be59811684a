"""A synthetic performer plays in real time, through the producer's own publisher."""

import threading
import time
from collections.abc import Sequence
from typing import Final

import numpy as np

from kafka_io.settings import KafkaSettings
from performers.acts import Act, ActKind
from performers.performer import Performer
from producer_service.ledger import Ledger
from producer_service.publish import FramePublisher
from producer_service.settings import ProducerSettings
from producer_service.watchers import Watcher

FRAMES_PER_SECOND: Final = 30
SECONDS: Final = 8.0
SCRIPT: Final = (
    Act(ActKind.WAVE, 0.5, 3.5),
    Act(ActKind.THUMBS_UP, 4.0, 7.0),
)
_SEED: Final = 7


def play_performance(
    stream_id: str,
    settings: ProducerSettings,
    kafka: KafkaSettings,
    watchers: Sequence[Watcher],
    stop: threading.Event,
) -> Ledger:
    """Wave, then give thumbs up, 30 frames a second, each frame published when its time has come."""
    ledger = Ledger()
    performer = Performer(stream_id, SCRIPT, seed=_SEED)
    at_s = np.arange(round(SECONDS * FRAMES_PER_SECOND)) / FRAMES_PER_SECOND
    started_us = time.time_ns() // 1000
    batch = performer.batch(at_s, start_us=started_us, epoch=started_us)
    with FramePublisher(kafka, settings, ledger, watchers, lambda: time.time_ns() // 1000) as publisher:
        # Connecting took a while: the performance begins now.
        late_us = time.time_ns() // 1000 - started_us
        batch.captured_at_us[:] += late_us
        for row in range(len(batch)):
            due_us = int(batch.captured_at_us[row])
            if stop.wait(max(0.0, due_us / 1e6 - time.time())):
                break
            ledger.count_frame_read()
            batch.processed_at_us[row] = handed_over_us = time.time_ns() // 1000
            publisher.publish(batch.frame(row), handed_over_us)
    return ledger
