"""What is in the workshop before the first page: servers, services, people who perform, records nobody can use."""

import time
from typing import Final

from kafka.admin import ConfigResource, ConfigResourceType

from kafka_io.admin import group_offsets, open_admin, topic_end_offsets
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from keypoints.topics import TRACKING_TOPIC
from local_stack import stop_stack
from tests.docs.workshop import Workshop

AT_ONCE: Final = ("archive", "analytics", "avatar", "watch")
"""`serve`, which loads MediaPipe, is only started for the first command that needs it."""

UNUSABLE: Final = 20
"""Dead letters that pages name by number."""
ARCHIVED_S: Final = 60
TEN_YEARS_MS: Final = 10 * 365 * 24 * 60 * 60 * 1000


def fill(workshop: Workshop) -> None:
    """Start everything, in the order of README.md."""
    folder = workshop.open_folder("filling")
    # Also where `holistic down`, which is a command of the pages too, does not do it.
    workshop.at_end(stop_stack, workshop.root / "stack")
    folder.run("holistic up")
    workshop.at_end(folder.run, "holistic down")
    for line in folder.run("holistic up --export").splitlines():
        name, _, value = line.removeprefix("export ").partition("=")
        workshop.places[name] = value.strip("'\"")
    settings = KafkaSettings(bootstrap_servers=str(workshop.places["KAFKA_BOOTSTRAP_SERVERS"]))
    _keep_for_long(settings)
    workshop.serve_buckets()
    for name in AT_ONCE:
        workshop.start_service(name)
    folder.run("holistic play ada.holistic --keep-times --speed 200")
    for stream in ("brief", "leaver"):
        folder.run(f"holistic play ada.holistic --stream {stream} --speed 200")
    played = topic_end_offsets(settings, TRACKING_TOPIC)
    # Slowly, for whatever is exported or audited grows meanwhile.
    workshop.start("ada", "holistic play ada.holistic --speed 0.5 --loop 100")
    _publish_unusable(settings)
    for name in AT_ONCE:
        workshop.wait_ready(name)
    for group in ("archive-postgres", "archive-parquet"):
        _wait_archived(settings, group, played)


def _wait_archived(settings: KafkaSettings, group: str, ends: dict[int, int]) -> None:
    """What the first page asks for must be in both stores, whichever page that is."""
    deadline_s = time.monotonic() + ARCHIVED_S
    while behind := _find_behind(ends, group_offsets(settings, group, TRACKING_TOPIC)):
        assert time.monotonic() < deadline_s, f"{group} did not get to {behind}"
        time.sleep(0.5)


def _find_behind(ends: dict[int, int], committed: dict[int, int]) -> dict[int, int]:
    return {partition: end for partition, end in ends.items() if committed.get(partition, 0) < end}


def _keep_for_long(settings: KafkaSettings) -> None:
    """Pages name a day that is long past: its frames must not be dropped before they are archived."""
    kept = {"retention.ms": str(TEN_YEARS_MS)}
    with open_admin(settings, "keeping records for longer") as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, TRACKING_TOPIC, kept)])


def _publish_unusable(settings: KafkaSettings) -> None:
    with BoundedPublisher(settings, on_delivery=lambda _: None) as publisher:
        for number in range(UNUSABLE):
            publisher.publish(TRACKING_TOPIC, b"nobody", b"no frame %d" % number, [], tag=number)
        publisher.flush()
