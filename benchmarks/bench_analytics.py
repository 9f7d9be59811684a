"""Analytics with everything on: decoding, features, all recognisers, windows, saves, events; 100 streams at once.

python benchmarks/bench_analytics.py [--json]

Needs KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL, where it makes a topic and a database of its own and drops them again.
"""

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from statistics import median

import numpy as np
import psycopg2
from psycopg2 import sql

from benchmarks.figures import print_figures
from connect_runtime.sink import Assignment, TopicPartition
from consumers.analytics.database import connect, migrate
from consumers.analytics.features.motion import track_bodies
from consumers.analytics.frame_facts import read_facts
from consumers.analytics.outbox import EventPublisher
from consumers.analytics.reactions.courier import WebhookCourier
from consumers.analytics.reactions.rule import Rule, read_condition
from consumers.analytics.reactions.signing import Route
from consumers.analytics.repertoire import Repertoire
from consumers.analytics.sink import AnalyticsSink, SinkOptions
from consumers.analytics.streams import PartitionStreams
from consumers.analytics.taught.gesture import TaughtGesture, TaughtHand
from consumers.analytics.taught.store import TaughtStore
from consumers.analytics.taught.teaching import Subject, take_hands, teach_movement, teach_shape
from kafka_io.admin import create_topics, delete_topic
from kafka_io.settings import KafkaSettings, read_kafka_settings
from keypoints.codec import decode_records, encode
from keypoints.topics import TopicSpec, record_key
from observability.metrics import Metrics
from performers.acts import Act, ActKind
from performers.performer import Performer

STREAMS = 100
FRAMES_A_STREAM = 150
FPS = 30
POLL_RECORDS = 500
FLUSH_EVERY_S = 1.0
START_US = 1_700_000_000_000_000
PARTITION = TopicPartition("frames", 0)


@dataclass(frozen=True)
class Record:
    """A record as a consumer hands it over."""

    value: bytes
    key: bytes
    offset: int
    topic: str = PARTITION.topic
    partition: int = PARTITION.partition
    timestamp: int = START_US // 1000
    headers: tuple[tuple[str, bytes | None], ...] = (("content-type", b"avro/binary"), ("schema-version", b"1"))


def make_records() -> list[Record]:
    """Full frames of performers who idle, do one thing and idle again, a frame of each in turn."""
    acts = [kind for kind in ActKind if kind not in (ActKind.IDLE, ActKind.LEAVE)]
    at_s = np.arange(FRAMES_A_STREAM) / FPS
    encoded: list[list[bytes]] = []
    for seed in range(STREAMS):
        performer = Performer(f"performer-{seed}", [Act(acts[seed % len(acts)], 1.0, 4.0)], seed=seed)
        batch = performer.batch(at_s, start_us=START_US)
        encoded.append([encode(batch.frame(row)) for row in range(len(batch))])
    return [
        Record(encoded[stream][number], record_key(f"performer-{stream}"), number * STREAMS + stream)
        for number in range(FRAMES_A_STREAM)
        for stream in range(STREAMS)
    ]


@contextmanager
def own_servers() -> Iterator[tuple[str, KafkaSettings, str]]:
    """A database URL, Kafka's settings and a topic of events, for this run alone."""
    kafka, server = read_kafka_settings(), os.environ["DATABASE_URL"]
    name = f"bench_{uuid.uuid4().hex[:12]}"
    create_topics(kafka, [TopicSpec(name, 6)])
    run_sql(server, "CREATE DATABASE {}", name)
    try:
        yield server.rpartition("/")[0] + f"/{name}", kafka, name
    finally:
        run_sql(server, "DROP DATABASE {} WITH (FORCE)", name)
        delete_topic(kafka, name)


def run_sql(server: str, statement: str, database: str) -> None:
    """One statement about a database, outside of any transaction."""
    connection = psycopg2.connect(server)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(statement).format(sql.Identifier(database)))
    finally:
        connection.close()


def teach_two() -> list[TaughtGesture]:
    """A shape and a movement of a user's own."""
    subject = Subject(
        name="my_three", hand=TaughtHand.EITHER, source="benchmark", taught_at=datetime.fromtimestamp(0, UTC)
    )
    showing = Performer("teacher", [Act(ActKind.THREE, 1.0, 4.0)], seed=1)
    shown, _ = take_hands(showing.batch(np.arange(50, 110) / FPS), TaughtHand.RIGHT)
    shape, _ = teach_shape(subject, shown, [])
    waving = Performer("teacher", [Act(ActKind.WAVE, 4.0 * turn + 1.0, 4.0 * turn + 3.5) for turn in range(3)], seed=2)
    performances = [waving.batch(np.arange(first, first + 75) / FPS) for first in (30, 150, 270)]
    movement, _ = teach_movement(replace(subject, name="my_wave"), performances, [shape])
    return [shape, movement]


def measure(records: list[Record], taught: list[TaughtGesture]) -> dict[str, float]:
    """Work through all records as the runtime would, flushing by the clock."""
    rule = Rule("many_waves", "rule-bench", read_condition("wave 50 times within 1 h"), "http://127.0.0.1:9", "UNSET")
    polls = [records[start : start + POLL_RECORDS] for start in range(0, len(records), POLL_RECORDS)]
    with own_servers() as (database_url, kafka, events_topic):
        sink = AnalyticsSink(
            connect(database_url),
            lambda: EventPublisher(kafka, events_topic),
            lambda _: "bench",
            SinkOptions(courier=WebhookCourier(connect(database_url), {rule.name: Route(rule, ())}, Metrics())),
        )
        engine = connect(database_url)
        migrate(engine)
        TaughtStore(engine).keep(taught)
        engine.dispose()
        sink.open(Assignment((PARTITION,), generation=1, member_id="bench", task_id=0))
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        flushed_s = began_s
        puts_s = []
        for poll in polls:
            batch = decode_records(poll).batch
            put_s = time.perf_counter()
            sink.put(batch)
            puts_s.append(time.perf_counter() - put_s)
            if time.perf_counter() - flushed_s > FLUSH_EVERY_S:
                sink.flush()
                flushed_s = time.perf_counter()
        sink.flush()
        seconds, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
        sink.stop()
    return {
        "frames_per_s": len(records) / seconds,
        "frames_per_cpu_s": len(records) / cpu_s,
        "put_of_500_ms_median": median(puts_s) * 1000,
    }


def measure_recognisers(records: list[Record], taught: list[TaughtGesture]) -> dict[str, float]:
    """The same without servers: features and recognisers alone, on decoded frames."""
    batches = [
        decode_records(records[start : start + POLL_RECORDS]).batch for start in range(0, len(records), POLL_RECORDS)
    ]
    partition, repertoire = PartitionStreams(), Repertoire.of(taught)
    features_s, events = 0.0, 0
    began_cpu_s = time.process_time()
    for batch in batches:
        before_s = time.process_time()
        facts, track = read_facts(batch, repertoire.taught_shapes), track_bodies(batch)
        features_s += time.process_time() - before_s
        events += len(partition.advance(facts, batch.offset.tolist(), track, repertoire).events)
    cpu_s = time.process_time() - began_cpu_s
    return {
        "recognisers_frames_per_cpu_s": len(records) / cpu_s,
        "features_us_a_frame": features_s / len(records) * 1e6,
        "recognisers_us_a_frame": (cpu_s - features_s) / len(records) * 1e6,
        "events": events,
    }


def main() -> None:
    """Print one line of JSON, or one line a figure."""
    records = make_records()
    taught = teach_two()
    figures = {
        "frames": len(records),
        "streams": STREAMS,
        **measure(records, taught),
        **measure_recognisers(records, taught),
    }
    print_figures(figures)


if __name__ == "__main__":
    main()
