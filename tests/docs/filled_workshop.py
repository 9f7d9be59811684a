"""What is in the workshop before the first page: servers, services, people who perform, records nobody can use."""

from typing import Final

from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from keypoints.topics import TRACKING_TOPIC
from local_stack import stop_stack
from tests.docs.workshop import Workshop

AT_ONCE: Final = ("archive", "analytics", "avatar", "watch")
"""`serve`, which loads MediaPipe, is only started for the first command that needs it."""

UNUSABLE: Final = 20
"""Dead letters that pages name by number."""


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
    workshop.serve_buckets()
    for name in AT_ONCE:
        workshop.start_service(name)
    folder.run("holistic play ada.holistic --keep-times --speed 200")
    for stream in ("brief", "leaver"):
        folder.run(f"holistic play ada.holistic --stream {stream} --speed 200")
    # Slowly, for whatever is exported or audited grows meanwhile.
    workshop.start("ada", "holistic play ada.holistic --speed 0.5 --loop 100")
    _publish_unusable(str(workshop.places["KAFKA_BOOTSTRAP_SERVERS"]))
    for name in AT_ONCE:
        workshop.wait_ready(name)


def _publish_unusable(bootstrap_servers: str) -> None:
    settings = KafkaSettings(bootstrap_servers=bootstrap_servers)
    with BoundedPublisher(settings, on_delivery=lambda _: None) as publisher:
        for number in range(UNUSABLE):
            publisher.publish(TRACKING_TOPIC, b"nobody", b"no frame %d" % number, [], tag=number)
        publisher.flush()
