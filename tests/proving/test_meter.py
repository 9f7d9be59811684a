"""What parts cost is what their processes used, those that ended and their children too."""

import subprocess
import sys
import time

import pytest

from proving.meter import ProcessMeter, Sample, Usage

BUSY = "import time\nuntil = time.process_time() + {}\nwhile time.process_time() < until: sum(range(1000))\n"
LASTING = "import sys; sys.stdin.read()"


def test_a_child_counts_for_the_part_it_is_of_and_still_does_when_it_has_ended() -> None:
    # The child is there until it is told, so that it is seen when it has done its work.
    child = BUSY.format(0.4) + "input()"
    parent = (
        f"import subprocess, sys, time\nsubprocess.run([sys.executable, '-c', {child!r}])\n"
        "print('done', flush=True)\nsys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        meter = ProcessMeter(lambda: {"part": [process.pid]})
        assert process.stdin is not None
        assert process.stdout is not None
        while process.poll() is None and meter.sample(time.time, memory=False).cpu_s["part"] < 0.35:
            time.sleep(0.02)
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.stdout.readline()
        assert meter.sample(time.time, memory=False).cpu_s["part"] >= 0.35
        process.communicate()


def test_memory_of_a_process_that_is_not_there_is_none() -> None:
    with subprocess.Popen([sys.executable, "-c", LASTING], stdin=subprocess.PIPE) as process:
        meter = ProcessMeter(lambda: {"part": [process.pid]})
        while not (sampled := meter.sample(time.time, memory=True)).memory_mb or sampled.memory_mb["part"] < 1.0:
            time.sleep(0.02)
        process.communicate()
    assert meter.sample(time.time, memory=True).memory_mb == {"part": 0.0}


def test_cores_are_what_was_used_over_the_time_between_samples() -> None:
    usage = Usage([Sample(10.0, {"kafka": 3.0}, 50.0, None), Sample(14.0, {"kafka": 5.0, "load": 1.0}, 56.0, None)])
    assert usage.cores() == pytest.approx({"kafka": 0.5, "load": 0.25, "machine": 1.5})
    assert usage.between(11.0, 20.0).cores() == {}
