"""From polled records to batches of frames, one for each topic, and the records that are none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from connect_runtime.client import Polled
from connect_runtime.rejections import Rejection, Stage
from connect_runtime.retry import Backoff, Surroundings
from connect_runtime.sink import TopicPartition
from connect_runtime.wire_form import WireForm, check_form
from keypoints.codec import DecodedRecords, RawRecord, RejectedRecord, decode_records
from keypoints.errors import Transient
from keypoints.frame import FrameBatch
from keypoints.schemas import SchemaLookup

_SCHEMA_BACKOFF = Backoff(first_s=0.1, cap_s=1.0)


@dataclass(frozen=True, slots=True)
class Decoded:
    """Frames by topic, in offset order within each partition, and the records that are no frames."""

    batches: list[FrameBatch]
    rejections: list[Rejection]

    def cut(self, ends: Mapping[TopicPartition, int]) -> "Decoded":
        """Without the frames from these offsets on, and without the rejections."""
        batches = []
        for batch in self.batches:
            keep = np.ones(len(batch), dtype=np.bool_)
            for (topic, index), end in ends.items():
                if topic == batch.topic:
                    keep &= (batch.partition != index) | (batch.offset < end)
            batches.append(batch.take(keep))
        return Decoded([batch for batch in batches if len(batch)], [])


class Decoder:
    """Decodes what a poll returned; waits a bounded time for a schema its writer has not announced yet."""

    def __init__(
        self,
        schemas: SchemaLookup | None,
        schema_timeout_s: float,
        surroundings: Surroundings,
        form: WireForm = WireForm.ANY,
    ) -> None:
        """`form` is the only one taken; records of another are rejected."""
        self._form = form
        self._schemas = schemas
        self._schema_timeout_s = schema_timeout_s
        self._around = surroundings
        # Schemas that were waited for in vain: their next records do not stop the partition again.
        self._given_up: set[str] = set()

    def decode(self, polled: Polled) -> Decoded:
        """Decode all of it. May take up to the schema timeout; returns early, with records rejected, on a stop."""
        batches: list[FrameBatch] = []
        rejections: list[Rejection] = []
        for records in _by_topic(polled):
            misfits = self._find_misfits(records)
            rejections += misfits
            fitting = _without(records, misfits) if misfits else records
            if not fitting:
                continue
            decoded = self._decode_topic(fitting)
            if len(decoded.batch):
                batches.append(decoded.batch)
            rejections += [Rejection(one.record, Stage.VALUE_CONVERTER, one.error) for one in decoded.rejected]
        return Decoded(batches, rejections)

    def _find_misfits(self, records: Sequence[RawRecord]) -> list[Rejection]:
        if self._form is WireForm.ANY:
            return []
        return [
            Rejection(record, Stage.VALUE_CONVERTER, error)
            for record in records
            if (error := check_form(record.value, self._form)) is not None
        ]

    def _decode_topic(self, records: Sequence[RawRecord]) -> DecodedRecords:
        decoded = decode_records(records, self._schemas)
        if not decoded.rejected:
            return decoded
        deadline = self._around.clock() + self._schema_timeout_s
        attempt = 0
        while waiting := [one for one in decoded.rejected if self._may_pass(one)]:
            attempt += 1
            delay_s = _SCHEMA_BACKOFF.delay_s(attempt, self._around.dice)
            if self._around.clock() + delay_s > deadline or self._around.stopping.wait(delay_s):
                self._given_up.update(_schema_name(one) for one in waiting)
                return decoded
            decoded = decode_records(records, self._schemas)
        return decoded

    def _may_pass(self, rejected: RejectedRecord) -> bool:
        return isinstance(rejected.error, Transient) and _schema_name(rejected) not in self._given_up


def _without(records: Sequence[RawRecord], misfits: Sequence[Rejection]) -> list[RawRecord]:
    gone = {id(misfit.record) for misfit in misfits}
    return [record for record in records if id(record) not in gone]


def _schema_name(rejected: RejectedRecord) -> str:
    fields = rejected.error.fields
    return str(fields.get("fingerprint", fields.get("schema_id", "")))


def _by_topic(polled: Polled) -> list[list[RawRecord]]:
    topics: dict[str, list[RawRecord]] = {}
    for partition, records in polled.items():
        topics.setdefault(partition.topic, []).extend(records)
    return [records for records in topics.values() if records]
