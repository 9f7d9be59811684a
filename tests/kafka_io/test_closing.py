"""A publisher whose broker went away lets go, and says what was not acknowledged."""

import subprocess
import sys
from pathlib import Path

import pytest

from kafka_io.admin import create_topics
from kafka_io.settings import KafkaSettings
from keypoints.topics import TopicSpec
from local_stack.stack import start_stack, stop_stack

REPOSITORY = Path(__file__).resolve().parents[2]
# A client that is not closed flushes again when it is collected, and prints a traceback when that fails.
PUBLISHES = """
import sys
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from keypoints.errors import HolisticError

publisher = BoundedPublisher(KafkaSettings(bootstrap_servers=sys.argv[1]))
client = publisher._producer
publisher.publish("closing", b"ada", b"before", [], None)
publisher.flush(30.0)
print("published", flush=True)
sys.stdin.readline()
publisher.publish("closing", b"ada", b"after", [], None)
try:
    publisher.close(1.0)
except HolisticError as error:
    print(error.message)
client._sender.join(30.0)
print("a thread left" if client._sender.is_alive() else "no thread left")
print("closed" if client._closed else "not closed")
"""


@pytest.mark.servers
@pytest.mark.long
@pytest.mark.timeout(170)
def test_a_broker_that_is_away_at_the_end_is_no_traceback_and_leaves_no_thread(tmp_path: Path) -> None:
    try:
        kafka = KafkaSettings(bootstrap_servers=start_stack(tmp_path).kafka_bootstrap_servers)
        create_topics(kafka, [TopicSpec("closing", 1)])
        command, pipe = [sys.executable, "-c", PUBLISHES, kafka.bootstrap_servers], subprocess.PIPE
        with subprocess.Popen(command, cwd=REPOSITORY, text=True, stdin=pipe, stdout=pipe, stderr=pipe) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "published\n"
            stop_stack(tmp_path)
            said, complaint = process.communicate("\n", timeout=90)
    finally:
        stop_stack(tmp_path)
    assert process.returncode == 0, complaint
    assert "1 records were not acknowledged" in said
    assert said.splitlines()[-2:] == ["no thread left", "closed"]
    assert "Traceback" not in complaint
