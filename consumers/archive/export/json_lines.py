"""A JSON object a line, in the classic form with our fields beside it."""

from typing import BinaryIO

import orjson

from keypoints.frame import FrameBatch
from keypoints.json_form import write_json


class JsonLinesFile:
    """Each line is a record that the suite reads, as JSON, from Kafka too; a coordinate that is no number is null."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, batch: FrameBatch, first_frame: int) -> None:
        """Add the rows."""
        identities = zip(
            batch.identity_topic.tolist(),
            batch.identity_partition.tolist(),
            batch.identity_offset.tolist(),
            strict=True,
        )
        for row, (topic, partition, offset) in enumerate(identities):
            numbered = {"frame": first_frame + row, "topic": topic, "partition": partition, "offset": offset}
            # The two objects as one.
            self._file.write(orjson.dumps(numbered)[:-1] + b"," + write_json(batch.frame(row))[1:] + b"\n")

    def finish(self) -> None:
        """Everything is written already."""
