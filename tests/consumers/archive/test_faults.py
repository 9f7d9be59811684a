"""The archive's processes frozen, killed, joined and left, under load: each offset is in both stores once."""

import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import psycopg2
import pytest
from kafka import TopicPartition

from connect_runtime.gap_topic import read_gaps
from consumers.archive.parquet.chain import list_chains
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.postgres.tables import FRAMES_BY_DAY
from kafka_io.admin import group_offsets, open_admin, topic_end_offsets
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from keypoints.codec import encode_avro
from keypoints.topics import frame_headers, record_key
from tests.consumers.archive.conftest import STORES, Archive, Replica
from tests.consumers.archive.made_frames import make_batch, publish

pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.timeout(170)]

OWNED = 4
"""Partitions of a connector: three of the topic, one of its retry topic."""
FRAMES_PER_S = 500
TURN_S = 3.0
MOST_VISITORS = 3
LONGER_THAN_A_SESSION_S = 4.0
SOAK = pytest.mark.soak


def now_us() -> int:
    return time.time_ns() // 1000


@contextmanager
def publishing(kafka: KafkaSettings, topic: str, per_s: int) -> Iterator[Callable[[], int]]:
    """Publish whole frames at a steady rate for the length of the block; gives how many were acknowledged."""
    batch = make_batch(500, starts_at_us=now_us())
    values = [(record_key(frame.stream_id), encode_avro(frame)) for frame in map(batch.frame, range(len(batch)))]
    stop, began = threading.Event(), time.monotonic()
    with BoundedPublisher(kafka) as publisher:

        def run() -> None:
            published = 0
            while not stop.wait(0.02):
                due = int((time.monotonic() - began) * per_s)
                while published < due:
                    key, value = values[published % len(values)]
                    publisher.publish(topic, key, value, frame_headers(), now_us() // 1000)
                    published += 1

        thread = threading.Thread(target=run, name="publishing")
        thread.start()
        try:
            yield lambda: publisher.counts().acknowledged
        finally:
            stop.set()
            thread.join()
            publisher.flush()
    assert publisher.counts().failed == 0


def check_all_there_once(archive: Archive, count: int) -> None:
    """By offset range: both stores hold all of the topic once, and the groups have committed all of it."""
    ends = topic_end_offsets(archive.kafka, archive.topic)
    assert sum(ends.values()) == count
    audited = archive.audit()
    assert audited.clean, audited
    for store in STORES:
        assert sum(part.rows for part in audited.of_store(store)) == count
        committed = group_offsets(archive.kafka, archive.group(store), archive.topic)
        assert committed == {partition: end for partition, end in ends.items() if end}


@pytest.mark.parametrize(
    "seconds",
    [pytest.param(18, id="18 s"), pytest.param(60, id="60 s", marks=[SOAK, pytest.mark.timeout(300)])],
)
def test_replicas_that_join_and_leave_every_3_s_under_500_frames_a_second(archive: Archive, seconds: int) -> None:
    archive.start()
    publish(archive.kafka, archive.topic, make_batch(1, starts_at_us=now_us()))
    archive.wait_until(archive.has_begun)
    steady = archive.replicas[0]
    visitors: deque[Replica] = deque()
    left: list[tuple[Replica, signal.Signals]] = []
    progress: list[int] = []
    with publishing(archive.kafka, archive.topic, FRAMES_PER_S) as published:
        began = time.monotonic()
        # On a busy machine a process takes longer to join than a turn: then the storm takes longer, too.
        while time.monotonic() < began + seconds or len(left) < seconds / TURN_S / 2:
            if len(visitors) < MOST_VISITORS:
                visitors.append(archive.start())
            threading.Event().wait(TURN_S)
            progress.append(archive.rows("postgres"))
            if any(visitors[0].partitions().values()):
                visitor = visitors.popleft()
                number = signal.SIGTERM if len(left) % 2 else signal.SIGKILL
                visitor.send_signal(number)
                left.append((visitor, number))
    count = published() + 1
    # A killed member holds its partitions until its session is over, so not every turn can go on everywhere.
    assert all(later > before for before, later in zip(progress, progress[3:], strict=False)), progress
    for visitor, number in left:
        assert visitor.wait() == (0 if number is signal.SIGTERM else -number)
    for visitor in visitors:
        visitor.send_signal(signal.SIGKILL)
    archive.replicas.append(archive.replicas.pop(0))
    archive.wait_until_caught_up(90)
    steady.send_signal(signal.SIGTERM)
    assert steady.wait() == 0
    check_all_there_once(archive, count)


def test_after_a_kill_the_other_replica_has_all_partitions_within_15_s(archive: Archive) -> None:
    # The defaults, as a user runs it.
    session = {"consumer.override.session.timeout.ms": 10_000, "consumer.override.heartbeat.interval.ms": 2_000}
    survivor, victim = (archive.start(settings=session) for _ in range(2))

    def owned() -> int:
        return sum(sum(replica.partitions().values()) for replica in (survivor, victim))

    with publishing(archive.kafka, archive.topic, 50) as published:
        # Nobody is still joining.
        archive.wait_until(lambda: archive.is_shared() and owned() == 2 * OWNED)
        victim.send_signal(signal.SIGKILL)
        killed_at = time.monotonic()
        archive.replicas.remove(victim)
        try:
            everything = dict.fromkeys(map(archive.group, STORES), OWNED)
            archive.wait_until(lambda: survivor.partitions() == everything)
            assert time.monotonic() - killed_at < 15
        finally:
            archive.replicas.insert(0, victim)
    archive.wait_until_caught_up()
    check_all_there_once(archive, published())


@pytest.mark.parametrize(
    ("frozen_s", "session_ms"),
    [
        pytest.param(8, 3_000, id="8 s"),
        pytest.param(60, 10_000, id="60 s", marks=[SOAK, pytest.mark.timeout(300)]),
    ],
)
def test_a_replica_frozen_past_its_session_writes_and_commits_nothing_stale(
    archive: Archive, frozen_s: int, session_ms: int
) -> None:
    session = {"consumer.override.session.timeout.ms": session_ms}
    # Its rows are due for their file while it is frozen: the first thing it does when it wakes is to finish them.
    due_after_s = 12.0
    sleeper = archive.start(settings={**session, "rotate.interval.ms": int(due_after_s * 1000)})
    archive.wait_until(lambda: sum(sleeper.partitions().values()) == 2 * OWNED)
    publish(archive.kafka, archive.topic, make_batch(1_500, starts_at_us=now_us()))
    published_at = time.monotonic()
    archive.wait_until(lambda: archive.has_begun() and archive.rows("postgres") == 1_500)
    assert archive.rows("parquet") == 0, "nothing was buffered when it froze"
    sleeper.send_signal(signal.SIGSTOP)
    frozen_at = time.monotonic()
    successor = archive.start(settings=session)
    publish(archive.kafka, archive.topic, make_batch(1_500, first_offset=1_500, starts_at_us=now_us()))
    archive.wait_until_caught_up(60 + session_ms / 1000)
    before = {store: group_offsets(archive.kafka, archive.group(store), archive.topic) for store in STORES}
    listed = files_listed(archive)
    frozen_until = max(frozen_at + frozen_s, published_at + due_after_s)
    threading.Event().wait(max(0.0, frozen_until - time.monotonic()))
    sleeper.send_signal(signal.SIGCONT)
    # Until it hears of it, it takes for its own what it had.
    archive.wait_until(lambda: all(lost_to_the_group(archive, store) for store in STORES))
    archive.wait_until(lambda: all(sleeper.partitions().get(archive.group(store), 0) for store in STORES))
    assert files_listed(archive) == listed, "a zombie's file became visible"
    assert {store: group_offsets(archive.kafka, archive.group(store), archive.topic) for store in STORES} == before
    publish(archive.kafka, archive.topic, make_batch(300, first_offset=3_000, starts_at_us=now_us()))
    archive.wait_until_caught_up()
    for replica in (sleeper, successor):
        replica.send_signal(signal.SIGTERM)
        assert replica.wait() == 0
    check_all_there_once(archive, 3_300)


def lost_to_the_group(archive: Archive, store: str) -> bool:
    return f"partitions lost to the group  connector={archive.group(store)} " in archive.log.read_text()


def files_listed(archive: Archive) -> list[str]:
    chains = list_chains(LocalStorage(archive.root))
    return sorted(file.path for chain in chains for file in chain.files)


def test_a_slow_postgres_costs_no_row_no_membership_and_the_other_store_nothing(archive: Archive) -> None:
    small = {"buffer.memory": 8 * 1024 * 1024}
    replica = archive.start(settings=small)
    publish(archive.kafka, archive.topic, make_batch(1, starts_at_us=now_us()))
    archive.wait_until(archive.has_begun)
    with taking_time(archive.database_url, LONGER_THAN_A_SESSION_S):
        with publishing(archive.kafka, archive.topic, 200) as published:
            archive.wait_until(lambda: archive.lag("postgres") > 1_000)
        count = published() + 1
        archive.wait_until(lambda: archive.lag("parquet") == 0)
        assert archive.lag("postgres") > 0, "it was never slow"
    archive.wait_until_caught_up()
    replica.send_signal(signal.SIGTERM)
    assert replica.wait() == 0
    check_all_there_once(archive, count)
    log = archive.log.read_text()
    for store in STORES:
        assert log.count(f"partitions assigned  connector={archive.group(store)} ") == 1
        assert not lost_to_the_group(archive, store)


@contextmanager
def taking_time(database_url: str, seconds: float) -> Iterator[None]:
    """Every write of frames takes so much longer for the length of the block."""
    with closing(psycopg2.connect(database_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TABLE delay AS SELECT %s::float AS seconds; "
                "CREATE FUNCTION take_time() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
                "$$ BEGIN PERFORM pg_sleep((SELECT seconds FROM public.delay)); RETURN NULL; END $$; "
                f"CREATE TRIGGER slow BEFORE INSERT ON {FRAMES_BY_DAY.name} "
                "FOR EACH STATEMENT EXECUTE FUNCTION take_time()",
                (seconds,),
            )
            yield
            cursor.execute("UPDATE delay SET seconds = 0")


def test_what_retention_took_is_counted_on_record_and_in_the_log_of_both_connectors(archive: Archive) -> None:
    publish(archive.kafka, archive.topic, make_batch(600, starts_at_us=now_us()))
    replica = archive.start()
    archive.wait_until(archive.has_begun)
    archive.wait_until_caught_up()
    replica.send_signal(signal.SIGTERM)
    assert replica.wait() == 0
    at_stop = topic_end_offsets(archive.kafka, archive.topic)
    publish(archive.kafka, archive.topic, make_batch(600, first_offset=600, starts_at_us=now_us()))
    partition = max(at_stop, key=lambda index: at_stop[index])
    first, next_offset = at_stop[partition], at_stop[partition] + 40
    with open_admin(archive.kafka, "deleting records") as admin:
        admin.delete_records({TopicPartition(archive.topic, partition): next_offset})
    archive.start()
    archive.wait_until_caught_up()
    gaps = read_gaps(archive.kafka, archive.topic)
    assert sorted((gap.connector, gap.partition.partition, gap.first, gap.next_offset) for gap in gaps) == sorted(
        (archive.group(store), partition, first, next_offset) for store in STORES
    )
    assert [(run.partition, run.first, run.last) for run in archive.audit().lost] == [
        (partition, first, next_offset - 1)
    ] * len(STORES)
    log = archive.log.read_text()
    assert log.count("40 records were gone before they were read") == len(STORES)
    assert archive.rows("postgres") == archive.rows("parquet") == 1_200 - 40
