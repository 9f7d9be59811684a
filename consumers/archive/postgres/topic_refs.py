"""The number a topic is known by in the database."""

from collections.abc import Callable, Iterable

from psycopg2 import extensions

from keypoints.errors import Terminal

TopicIds = Callable[[str], str]
"""Asks Kafka for a topic's id; raises Terminal when there is no such topic, Transient when Kafka is away."""

UNKNOWN_TOPIC_ID = "unknown"


class TopicRefs:
    """Looks topics up once and remembers them."""

    def __init__(self, topic_ids: TopicIds) -> None:
        self._topic_ids = topic_ids
        self._refs: dict[str, int] = {}

    def of(self, names: Iterable[str], connection: extensions.connection) -> dict[str, int]:
        """The number of each topic, given to it now if it has none. Commits.

        A name that Kafka no longer knows is one that records were published again from: it means the last topic of
        that name the archive saw.
        """
        found: dict[str, int] = {}
        for name in set(names):
            known = self._refs.get(name)
            found[name] = self._find(name, connection) if known is None else known
        self._refs |= found
        return found

    def forget(self, names: Iterable[str]) -> None:
        """Ask Kafka again about these topics when they are next seen: they may have been made anew."""
        for name in names:
            self._refs.pop(name, None)

    def _find(self, name: str, connection: extensions.connection) -> int:
        try:
            kafka_id = self._topic_ids(name)
        except Terminal:
            return self._newest(name, connection) or self._register(name, UNKNOWN_TOPIC_ID, connection)
        return self._register(name, kafka_id, connection)

    def _newest(self, name: str, connection: extensions.connection) -> int | None:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT max(topic_ref) FROM archived_topics WHERE name = %s", (name,))
            row = cursor.fetchone()
        return None if row is None or row[0] is None else int(row[0])

    def _register(self, name: str, kafka_id: str, connection: extensions.connection) -> int:
        known = "SELECT topic_ref FROM archived_topics WHERE name = %s AND kafka_id = %s"
        with connection, connection.cursor() as cursor:
            cursor.execute(known, (name, kafka_id))
            row = cursor.fetchone()
            if row is None:
                cursor.execute(
                    "INSERT INTO archived_topics (name, kafka_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                    (name, kafka_id),
                )
                cursor.execute(known, (name, kafka_id))
                row = cursor.fetchone()
        if row is None:
            raise Terminal(f"topic {name} could not be registered", topic=name, kafka_id=kafka_id)
        return int(row[0])
