"""A bounded replay that also replaces what is there: `replay --bounded --rewrite`."""

from typing import Final

import numpy as np
import psycopg2
from psycopg2 import extensions

from consumers.archive.postgres.errors import explain_postgres_error
from consumers.archive.postgres.frame_writer import FrameWriter, copy_through_staging
from consumers.archive.postgres.retention import become_owner
from consumers.archive.postgres.rows import to_postgres_rows
from consumers.archive.postgres.sink import PostgresSink
from consumers.archive.postgres.tables import FRAMES_BY_DAY, FRAMES_OUT_OF_RANGE
from keypoints.errors import HolisticError
from keypoints.frame import FrameBatch

_TABLES: Final = (FRAMES_BY_DAY.name, FRAMES_OUT_OF_RANGE.name)


class RewritingFrameWriter(FrameWriter):
    """Removes the rows of the same records, whatever capture time they had, and writes these, in one transaction."""

    def write(self, batch: FrameBatch) -> None:
        """Replace the rows and commit. Raises as FrameWriter's."""
        try:
            connection = self.connect()
            topic_refs = self._topic_refs.of(batch.identity_topic.tolist(), connection)
            now_us = self._now_us()
            in_window = self._window.holds(batch.captured_at_us, now_us)
            self.make_days_of(batch.captured_at_us[in_window], connection)
            with connection, connection.cursor() as cursor:
                become_owner(cursor)
                _remove(cursor, batch, topic_refs)
                for table, rows in zip(_TABLES, (in_window, ~in_window), strict=True):
                    if not rows.any():
                        continue
                    of_table = batch.take(rows)
                    with_us = table == FRAMES_OUT_OF_RANGE.name
                    columns = to_postgres_rows(of_table, topic_refs, now_us, with_captured_at_us=with_us)
                    copy_through_staging(cursor, columns, table)
        except HolisticError:
            # Making a day's table says itself what failed. The connection may be lost then as well.
            self.close()
            raise
        except psycopg2.Error as error:
            self.close()
            raise explain_postgres_error(error, "rewriting frames", rows=len(batch)) from error


class RewritingPostgresSink(PostgresSink):
    """Replaces the rows that are there, and adds those that are not."""

    writer_class = RewritingFrameWriter


def _remove(cursor: extensions.cursor, batch: FrameBatch, topic_refs: dict[str, int]) -> None:
    for topic in np.unique(batch.identity_topic.astype(str)).tolist():
        for partition in np.unique(batch.identity_partition[batch.identity_topic == topic]).tolist():
            rows = (batch.identity_topic == topic) & (batch.identity_partition == partition)
            offsets = batch.identity_offset[rows].tolist()
            for table in _TABLES:
                cursor.execute(
                    f'DELETE FROM {table} WHERE topic_ref = %s AND "partition" = %s AND "offset" = ANY(%s)',  # noqa: S608
                    (topic_refs[topic], partition, offsets),
                )
