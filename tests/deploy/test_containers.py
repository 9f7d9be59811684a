"""Each image's own command, started as a container engine would, against real Kafka and Postgres."""

from __future__ import annotations

import io
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import numpy as np
import psycopg2
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image as Picture
from psycopg2 import sql
from skimage import data

from consumers.archive.iceberg.catalog import IcebergCatalog
from consumers.archive.parquet.location import open_storage
from kafka_io.admin import group_lag, topic_end_offsets
from kafka_io.publisher import BoundedPublisher
from kafka_io.schema_topic import announce_schema
from keypoints.codec import encode
from keypoints.topics import SUITE_TOPICS, frame_headers, record_key
from performers.acts import Act, ActKind
from performers.performer import Performer
from tests.consumers.analytics.feed.reading import read_sse
from tests.consumers.analytics.feed.serving import Publisher, made_event
from tests.deploy.containers import Container, Image, Mount

if TYPE_CHECKING:
    from kafka_io.settings import KafkaSettings
    from local_stack import Endpoints
    from tests.consumers.archive.s3_server import S3Server

pytestmark = [pytest.mark.images, pytest.mark.servers, pytest.mark.timeout(600)]

OpenImage = Callable[[str], Image]
FRAMES = 60
READY_WITHIN_S = 120.0
CAUGHT_UP_WITHIN_S = 120.0
STOPPED_WITHIN_S = 60.0
CONTAINER_USER = 10001
COMPOSE_FILE = Path(__file__).resolve().parents[2] / "docker-compose.yml"
DATABASE_SECRET = {"DATABASE_URL_FILE": "/run/secrets/database_url"}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until_healthy(container: Container) -> None:
    """Asks the image's health check once a second, as an engine would."""
    deadline_s = time.monotonic() + READY_WITHIN_S
    while container.running:
        health = container.check_health() if container.started else None
        if health is not None and health.returncode == 0:
            return
        said = f"{health.stdout}{health.stderr}" if health else ""
        assert time.monotonic() < deadline_s, f"not ready: {said}\n{container.printed()}"
        time.sleep(0.5)
    pytest.fail(f"ended by itself: {container.printed()}")


def wait_until(is_so: Callable[[], bool], container: Container) -> None:
    deadline_s = time.monotonic() + CAUGHT_UP_WITHIN_S
    while not is_so():
        assert container.running, f"ended by itself: {container.printed()}"
        assert time.monotonic() < deadline_s, container.printed()
        time.sleep(0.2)


def command_of(service: str, image: Image) -> list[str]:
    """What docker-compose.yml has a service run, by its image's entrypoint."""
    command = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))["services"][service]["command"]
    return [*image.config["Entrypoint"], *command]


def environment_of(service: str) -> dict[str, str]:
    """What docker-compose.yml sets for a service, but for where Kafka is. Compose leaves what nobody set empty."""
    environment = dict(yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))["services"][service]["environment"])
    del environment["KAFKA_BOOTSTRAP_SERVERS"]
    return environment | {"SCHEMA_REGISTRY_URL": ""}


def directory_of(owner: int, path: Path) -> Path:
    """A directory as a fresh volume of an image is: empty, and its user's."""
    path.mkdir()
    os.chown(path, owner, owner)
    return path


def test_the_topics_container_makes_every_topic_and_a_second_run_finds_them(
    open_built_image: OpenImage, stack: Endpoints, kafka_settings: KafkaSettings, tmp_path: Path
) -> None:
    environment = {"KAFKA_BOOTSTRAP_SERVERS": stack.kafka_bootstrap_servers}
    for expected in ((": created", ": was there"), (": was there",)):
        with Container(open_built_image("topics"), tmp_path, environment=environment) as container:
            assert container.wait(90) == 0, container.printed()
            lines = container.printed().splitlines()
        assert [line for line in lines if line.endswith(expected)] == lines
        assert len(lines) == len(SUITE_TOPICS)
    for spec in SUITE_TOPICS:
        assert len(topic_end_offsets(kafka_settings, spec.name)) == spec.partitions


def test_the_topics_container_says_when_there_is_no_kafka(open_built_image: OpenImage, tmp_path: Path) -> None:
    command = [*open_built_image("topics").command, "--wait-s", "0"]
    environment = {"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}"}
    with Container(open_built_image("topics"), tmp_path, command, environment) as container:
        assert container.wait(60) == 1
        assert "127.0.0.1" in container.printed()
        assert "Traceback" not in container.printed()


def test_the_producer_container_publishes_the_pictures_of_the_folder_it_is_given(
    open_built_image: OpenImage,
    stack: Endpoints,
    kafka_settings: KafkaSettings,
    make_topic: Callable[..., str],
    tmp_path: Path,
) -> None:
    topic = make_topic(partitions=1)
    sources = directory_of(CONTAINER_USER, tmp_path / "sources")
    Picture.fromarray(data.astronaut()).save(sources / "astronaut.png")
    environment = {"KAFKA_BOOTSTRAP_SERVERS": stack.kafka_bootstrap_servers, "HOLISTIC_TOPIC": topic}
    mounts = [Mount(sources, "/sources")]
    command = ("python", "-m", "producer_service", "/sources")
    with Container(open_built_image("producer"), tmp_path, command, environment, mounts) as container:
        assert container.wait(120) == 0, container.printed()
    assert sum(topic_end_offsets(kafka_settings, topic).values()) == 1


def test_the_producer_container_answers_an_upload_and_drains_when_told_to_stop(
    open_built_image: OpenImage,
    stack: Endpoints,
    kafka_settings: KafkaSettings,
    make_topic: Callable[..., str],
    tmp_path: Path,
) -> None:
    topic, port = make_topic(partitions=1), free_port()
    picture = io.BytesIO()
    Picture.fromarray(data.astronaut()).save(picture, "JPEG")
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": stack.kafka_bootstrap_servers,
        "HOLISTIC_TOPIC": topic,
        "HOLISTIC_HTTP_PORT": str(port),
        "HOLISTIC_GRPC_PORT": "0",
        "HOLISTIC_WORKERS": "1",
    }
    with Container(open_built_image("producer"), tmp_path, (), environment, ()) as container:
        wait_until_healthy(container)
        answer = httpx.post(f"http://127.0.0.1:{port}/upload", files={"file": picture.getvalue()}, timeout=60)
        assert answer.status_code == 200, answer.text
        assert answer.json()["topic"] == topic
        container.terminate()
        assert container.wait(STOPPED_WITHIN_S) == 0, container.printed()
        assert "Traceback" not in container.printed()
    assert sum(topic_end_offsets(kafka_settings, topic).values()) == 1


def test_the_images_container_finds_people_in_the_pictures_of_a_topic_and_drains_when_told_to_stop(
    open_built_image: OpenImage, kafka_settings: KafkaSettings, make_topic: Callable[..., str], tmp_path: Path
) -> None:
    topics = {name: make_topic(partitions=1, name=name) for name in ("images", "frames", "letters")}
    picture = io.BytesIO()
    Picture.fromarray(data.astronaut()).save(picture, "JPEG")
    with BoundedPublisher(kafka_settings) as publisher:
        publisher.publish(topics["images"], record_key("astronaut"), picture.getvalue())
    port = str(free_port())
    environment = {
        **environment_of("images"),
        "KAFKA_BOOTSTRAP_SERVERS": kafka_settings.bootstrap_servers,
        "HOLISTIC_IMAGES_TOPIC": topics["images"],
        "HOLISTIC_IMAGES_GROUP": topics["images"],
        "HOLISTIC_IMAGES_DEAD_LETTER_TOPIC": topics["letters"],
        "HOLISTIC_IMAGES_WORKERS": "1",
        "HOLISTIC_TOPIC": topics["frames"],
        "HOLISTIC_HTTP_PORT": port,
        "HOLISTIC_IMAGES_HTTP_PORT": port,
    }
    image = open_built_image("producer")
    with Container(image, tmp_path, command_of("images", image), environment) as container:
        wait_until_healthy(container)
        wait_until_caught_up(kafka_settings, (topics["images"],), topics["images"])
        container.terminate()
        assert container.wait(STOPPED_WITHIN_S) == 0, container.printed()
        assert "Traceback" not in container.printed()
    assert sum(topic_end_offsets(kafka_settings, topics["frames"]).values()) == 1
    assert sum(topic_end_offsets(kafka_settings, topics["letters"]).values()) == 0


def test_the_watch_container_passes_on_what_analytics_found_and_ends_when_told_to_stop(
    open_built_image: OpenImage, kafka_settings: KafkaSettings, make_topic: Callable[..., str], tmp_path: Path
) -> None:
    events = Publisher(kafka_settings, make_topic(name="events"), make_topic(name="frames"))
    events.events(made_event(7))
    port = free_port()
    environment = {
        **environment_of("watch"),
        "KAFKA_BOOTSTRAP_SERVERS": kafka_settings.bootstrap_servers,
        "HOLISTIC_EVENTS_TOPIC": events.events_topic,
        "HOLISTIC_TOPIC": events.topic,
        "HOLISTIC_HTTP_PORT": str(port),
    }
    image = open_built_image("analytics")
    with Container(image, tmp_path, command_of("watch", image), environment) as container:
        wait_until_healthy(container)
        with read_sse(f"http://127.0.0.1:{port}", "?recent=1") as reader:
            assert [said.number for said in reader.take(1)] == [7]
        container.terminate()
        assert container.wait(STOPPED_WITHIN_S) == 0, container.printed()
        assert "Traceback" not in container.printed()


@pytest.fixture(scope="module")
def object_store() -> Iterator[S3Server]:
    """moto's server."""
    # Takes a second to import.
    from tests.consumers.archive.s3_server import S3Server

    server = S3Server()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def frames_topic(kafka_settings: KafkaSettings, make_topic: Callable[..., str]) -> str:
    """A topic with two seconds of somebody waving."""
    topic = make_topic(partitions=1)
    performer = Performer("waver", [Act(ActKind.WAVE, 0.0, 2.0)], seed=1)
    start_us = time.time_ns() // 1000 - 2_000_000
    batch = performer.batch(np.arange(FRAMES) / 30, start_us=start_us, epoch=start_us)
    announce_schema(kafka_settings)
    with BoundedPublisher(kafka_settings) as publisher:
        for row in range(FRAMES):
            frame = batch.frame(row)
            captured_at_ms = frame.captured_at_us // 1000
            publisher.publish(topic, record_key("waver"), encode(frame), frame_headers(), captured_at_ms)
    return topic


@pytest.fixture
def run_until_caught_up(
    open_built_image: OpenImage, kafka_settings: KafkaSettings, frames_topic: str, tmp_path: Path
) -> Callable[..., None]:
    """Starts a consumer's image, waits until it is ready and its groups have read the topic, and stops it."""

    def run(
        target: str,
        groups: Sequence[str],
        environment: Mapping[str, str],
        mounts: Sequence[Mount],
        so_that: Callable[[], bool] = lambda: True,
    ) -> None:
        everything = {
            "KAFKA_BOOTSTRAP_SERVERS": kafka_settings.bootstrap_servers,
            "HOLISTIC_TOPIC": frames_topic,
            "HOLISTIC_HTTP_PORT": str(free_port()),
            **environment,
        }
        with Container(open_built_image(target), tmp_path, (), everything, mounts) as container:
            wait_until_healthy(container)
            wait_until_caught_up(kafka_settings, groups, frames_topic)
            wait_until(so_that, container)
            container.terminate()
            assert container.wait(STOPPED_WITHIN_S) == 0, container.printed()
            assert "Traceback" not in container.printed()

    return run


@pytest.fixture
def database_secret(make_database: Callable[[], str], tmp_path: Path) -> tuple[str, Mount]:
    """The URL of an empty database, and the mount that gives it to a container as a secret."""
    database_url = make_database()
    secrets = directory_of(0, tmp_path / "secrets")
    (secrets / "database_url").write_text(database_url)
    return database_url, Mount(secrets, "/run/secrets")


def test_the_archive_container_stores_every_frame_in_both_stores_the_compactor_joins_the_files_and_tools_read_them(
    run_until_caught_up: Callable[..., None],
    open_built_image: OpenImage,
    kafka_settings: KafkaSettings,
    database_secret: tuple[str, Mount],
    tmp_path: Path,
) -> None:
    database_url, secrets = database_secret
    files = directory_of(CONTAINER_USER, tmp_path / "archive")
    volume = Mount(files, "/var/lib/holistic/archive", writable=True)
    few = '{"flush.size": 20, "consumer.override.max.poll.records": 20}'
    environment = {**DATABASE_SECRET, "HOLISTIC_ARCHIVE_PARQUET_CONFIG": few}
    run_until_caught_up("archive", ("archive-postgres", "archive-parquet"), environment, [secrets, volume])
    assert count_rows(database_url, "frames") == FRAMES
    written = list(files.rglob("*.parquet"))
    assert len(written) > 1
    assert sum(pq.read_metadata(file).num_rows for file in written) == FRAMES

    hours_ago_s = time.time() - 2 * 3600
    for file in written:
        os.utime(file, (hours_ago_s, hours_ago_s))
    command = command_of("compactor", open_built_image("archive"))
    with Container(open_built_image("archive"), tmp_path, command, mounts=[volume]) as container:
        wait_until(lambda: '"compacted"' in container.printed(), container)
        container.terminate()
        assert container.wait(STOPPED_WITHIN_S) == 0, container.printed()
    [joined] = set(files.rglob("*.parquet")) - set(written)
    assert pq.read_metadata(joined).num_rows == FRAMES

    question = ("sql", "--json", "SELECT count(*) AS frames FROM frames", "--on")
    tools, volumes = open_built_image("tools"), [secrets, volume]
    environment = {**DATABASE_SECRET, "KAFKA_BOOTSTRAP_SERVERS": kafka_settings.bootstrap_servers}
    for store in ("parquet", "postgres"):
        command = [*tools.config["Entrypoint"], *question, store]
        with Container(tools, tmp_path, command, environment, volumes) as container:
            assert container.wait(120) == 0, container.printed()
            assert f'"frames":{FRAMES}' in "".join(container.printed().split())


def test_the_archive_container_keeps_files_in_an_object_store_and_an_iceberg_table_in_step(
    run_until_caught_up: Callable[..., None],
    database_secret: tuple[str, Mount],
    object_store: S3Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    database_url, secrets = database_secret
    store = {
        "AWS_ENDPOINT_URL": object_store.url,
        "AWS_ACCESS_KEY_ID": "key-id-of-tests",
        "AWS_SECRET_ACCESS_KEY": "secret-of-tests",
        "AWS_REGION": "us-east-1",
    }
    location = f"s3://{object_store.make_bucket()}/archive"
    environment = {
        **DATABASE_SECRET,
        **store,
        "HOLISTIC_ARCHIVE_DIR": location,
        "HOLISTIC_ARCHIVE_ICEBERG": "true",
        "HOLISTIC_ARCHIVE_ICEBERG_INTERVAL_S": "1",
    }
    for name, value in store.items():
        monkeypatch.setenv(name, value)
    catalog = IcebergCatalog(database_url, open_storage(location))
    run_until_caught_up(
        "archive",
        ("archive-postgres", "archive-parquet"),
        environment,
        [secrets],
        lambda: (table := catalog.find()) is not None and table.scan().count() == FRAMES,
    )


def test_the_analytics_container_recognises_the_open_hand_and_drains_when_told_to_stop(
    run_until_caught_up: Callable[..., None], database_secret: tuple[str, Mount]
) -> None:
    database_url, secrets = database_secret
    run_until_caught_up("analytics", ("analytics",), DATABASE_SECRET, [secrets])
    assert count_rows(database_url, "gesture_events") > 0


def test_the_avatar_container_sends_bones_and_drains_when_told_to_stop(
    run_until_caught_up: Callable[..., None],
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(1)
        target = f"127.0.0.1:{receiver.getsockname()[1]}"
        environment = {"HOLISTIC_VMC_TARGETS": target, "HOLISTIC_AVATAR_FROM": "earliest"}
        run_until_caught_up("avatar", ("avatar",), environment, [])
        packets = [receiver.recv(2_000) for _ in range(4)]
    assert any(b"/VMC/Ext/Bone/Pos" in packet for packet in packets)


def wait_until_caught_up(settings: KafkaSettings, groups: Sequence[str], topic: str) -> None:
    deadline_s = time.monotonic() + CAUGHT_UP_WITHIN_S
    while any(sum(group_lag(settings, group, topic).values()) for group in groups):
        assert time.monotonic() < deadline_s, f"{groups} did not catch up with {topic}"
        time.sleep(0.5)


def count_rows(database_url: str, table: str) -> int:
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
        [[rows]] = cursor.fetchall()
        return int(rows)
