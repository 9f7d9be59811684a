"""The broker and Postgres away, silent, and of two minds."""

import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Final

import psycopg2
from psycopg2 import extensions, sql

from proving.chaos.arena import Arena
from proving.chaos.fault import Fault
from proving.chaos.servers import KAFKA, POSTGRES

_OURS: Final = "holistic-chaos"
_HELD_MB: Final = 12.0
"""The load's 4 MiB of records that are not acknowledged, as objects; without a bound it would be 16 and more."""


class BrokerGone(Fault):
    """What both have in common: a producer that holds what it cannot get rid of, within its bounds."""

    must = "acks resume, memory bounded, nothing acknowledged lost"

    def prepare(self, arena: Arena) -> None:
        """See how much the load has."""
        self._before_mb = self._after_mb = arena.measure_load_mb()

    def end(self, arena: Arena) -> None:
        """See how much more it has."""
        self._after_mb = arena.measure_load_mb()
        self.note = f"the load held {max(0.0, self._after_mb - self._before_mb):.0f} MB more"

    def check(self, arena: Arena) -> list[str]:  # noqa: ARG002
        """It held no more than a publisher may."""
        grown_mb = self._after_mb - self._before_mb
        return [] if grown_mb < _HELD_MB else [f"the load grew by {grown_mb:.0f} MB"]


class BrokerKilled(BrokerGone):
    """kill -9 of the only broker, which comes back after some seconds."""

    name = "broker-killed"
    hold_s = 5.0

    def begin(self, arena: Arena) -> None:
        """Kill it."""
        arena.servers.take_down(KAFKA)

    def end(self, arena: Arena) -> None:
        """It answers again."""
        arena.servers.bring_back(KAFKA)
        super().end(arena)


class BrokerStalled(BrokerGone):
    """A broker that holds its connections and says nothing."""

    name = "broker-stalled"
    hold_s = 8.0

    def begin(self, arena: Arena) -> None:
        """SIGSTOP."""
        arena.servers.freeze(KAFKA)

    def end(self, arena: Arena) -> None:
        """SIGCONT."""
        arena.servers.thaw(KAFKA)
        super().end(arena)


class PostgresRestarted(Fault):
    """An immediate shutdown, as in a crash: every connection is cut, and Postgres recovers from its log."""

    name = "postgres-restarted"
    must = "retried whole, no duplicate"
    hold_s = 2.0

    def begin(self, arena: Arena) -> None:
        """SIGQUIT."""
        arena.servers.take_down(POSTGRES, signal.SIGQUIT)

    def end(self, arena: Arena) -> None:
        """It answers again."""
        arena.servers.bring_back(POSTGRES)


class Deadlocked(Fault):
    """Sessions that take locks the other way round, so that Postgres cancels the suite's transactions."""

    name = "deadlock"
    must = "retried whole, no duplicate"
    rounds: Final = 4

    def begin(self, arena: Arena) -> None:
        """Lock a table, wait for a service that waits for it, and ask for one it has locked itself."""
        before = _count_deadlocks(arena)
        for turn in range(self.rounds):
            if turn % 2 == 0:
                table = arena.rng.choice(["results", "windows", "streams"])
                _close_ring(arena, sql.Identifier("analytics", table))
            else:
                _close_ring(arena, _find_day(arena))
            time.sleep(arena.rng.uniform(0.1, 0.5))
        time.sleep(1.0)  # statistics are reported at a transaction's end, and at most once a second
        self._deadlocks = _count_deadlocks(arena) - before
        self.note = f"{self._deadlocks} transactions were its victims"

    def check(self, arena: Arena) -> list[str]:  # noqa: ARG002
        """There were deadlocks."""
        return [] if self._deadlocks else ["there was no deadlock"]


class CommitsCut(Fault):
    """Connections cut at random moments, and while COMMIT has been done and not been said.

    For the second part every commit is made to wait for a standby that is not there: the transaction is there, and
    whoever waits is cut off without having heard so.
    """

    name = "commits-cut"
    must = "outcome unknown: retried whole, no duplicate"
    random_s: Final = 4.0
    unheard_s: Final = 3.0

    def begin(self, arena: Arena) -> None:
        """Cut, and cut."""
        cut = self._cut_at_random(arena)
        self._unheard = self._cut_unheard(arena)
        self.note = f"{cut} connections cut, {self._unheard} commits unheard of"

    def check(self, arena: Arena) -> list[str]:  # noqa: ARG002
        """Some commits were done and not heard of."""
        return [] if self._unheard else ["no commit was cut between being done and being said"]

    def tidy(self, arena: Arena) -> None:
        """No commit waits for anybody."""
        with _session(arena) as cursor:
            cursor.execute("ALTER SYSTEM RESET synchronous_standby_names")
            cursor.execute("SELECT pg_reload_conf()")

    def _cut_at_random(self, arena: Arena) -> int:
        cut, until_s = 0, time.monotonic() + self.random_s
        with _session(arena) as cursor:
            while time.monotonic() < until_s:
                cursor.execute(
                    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
                    "AND backend_type = 'client backend' ORDER BY pid"
                )
                if pids := [pid for (pid,) in cursor.fetchall()]:
                    cursor.execute("SELECT pg_terminate_backend(%s)", (arena.rng.choice(pids),))
                    cut += 1
                time.sleep(arena.rng.uniform(0.02, 0.3))
        return cut

    def _cut_unheard(self, arena: Arena) -> int:
        cut: set[int] = set()
        with _session(arena) as cursor:
            cursor.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
            cursor.execute("SELECT pg_reload_conf()")
            until_s = time.monotonic() + self.unheard_s
            while time.monotonic() < until_s:
                cursor.execute(
                    "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep' "
                    "AND pid <> pg_backend_pid()"
                )
                cut |= {pid for pid, _ in cursor.fetchall()}
                time.sleep(0.05)
        self.tidy(arena)
        return len(cut)


@contextmanager
def _session(arena: Arena) -> Iterator[extensions.cursor]:
    """A cursor whose every statement is a transaction of its own, and waits for no standby."""
    url = arena.suite.endpoints.database_url
    with closing(psycopg2.connect(url, application_name=_OURS, options="-c synchronous_commit=local")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor


def _count_deadlocks(arena: Arena) -> int:
    with _session(arena) as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        row = cursor.fetchone()
    return 0 if row is None else int(row[0])


def _find_day(arena: Arena) -> sql.Composable:
    """The partition of frames that is written to now."""
    with _session(arena) as cursor:
        cursor.execute(
            "SELECT c.relnamespace::regnamespace::text, c.relname FROM frames_by_day f JOIN pg_class c "
            "ON c.oid = f.tableoid WHERE f.captured_at > now() - interval '1 minute' LIMIT 1"
        )
        row = cursor.fetchone()
    return sql.Identifier("public", "frames_by_day") if row is None else sql.Identifier(str(row[0]), str(row[1]))


def _close_ring(arena: Arena, table: sql.Composable) -> None:
    """Lock a table, and then what the first session to wait for it has locked. Postgres ends whoever began to wait."""
    url = arena.suite.endpoints.database_url
    # Our own patience is longer than the services', so that it is they who find the ring, and are its victims.
    options = "-c deadlock_timeout=30s -c lock_timeout=4s"
    with _session(arena) as watching, closing(psycopg2.connect(url, application_name=_OURS, options=options)) as ours:
        with ours.cursor() as cursor:
            cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(table))
            held = _wait_for_waiter(watching, ours.get_backend_pid())
            if held is not None:
                # It may take too long, or end us instead.
                with suppress(psycopg2.Error):
                    cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(*held)))
        ours.rollback()


def _wait_for_waiter(watching: extensions.cursor, holder: int) -> tuple[str, str] | None:
    """Schema and name of a table that is locked by who waits for the holder; None when nobody waits in time."""
    until_s = time.monotonic() + 2.0
    while time.monotonic() < until_s:
        watching.execute(
            "SELECT c.relnamespace::regnamespace::text, c.relname FROM pg_stat_activity a JOIN pg_locks l USING (pid) "
            "JOIN pg_class c ON c.oid = l.relation WHERE %s = ANY(pg_blocking_pids(a.pid)) AND l.granted "
            "AND c.relkind IN ('r', 'p') AND c.relnamespace <> 'pg_catalog'::regnamespace ORDER BY l.mode DESC LIMIT 1",
            (holder,),
        )
        if row := watching.fetchone():
            return str(row[0]), str(row[1])
        time.sleep(0.02)
    return None
