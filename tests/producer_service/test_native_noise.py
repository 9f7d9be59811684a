"""What native code says about itself stays off the terminal; everything else gets through."""

import subprocess
import sys

PROGRAM = """
import os, sys
from producer_service.landmarks.native_noise import native_noise_filtered
with native_noise_filtered():
    os.write(2, b"W0000 00:00:1700000000.1 1 inference_feedback_manager.cc:114] Feedback manager requires a model\\n")
    os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\\n")
    os.write(2, b"E0000 00:00:1700000000.2 1 calculator_graph.cc:1] the graph broke\\n")
    sys.stderr.write("python speaks\\n")
    os.write(2, b"a last line without its end")
os.write(2, b"\\nW0000 1 1 inference_feedback_manager.cc:114] after the filter\\n")
sys.stderr.write("and after\\n")
"""


def run(**environment: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True, env=environment
    )
    return finished.stderr


def test_known_noise_is_dropped_and_every_other_line_stays() -> None:
    shown = run()
    assert "Feedback manager" not in shown
    assert "XNNPACK" not in shown
    assert "the graph broke\n" in shown
    assert "python speaks\n" in shown
    assert "a last line without its end\n" in shown


def test_after_the_filter_standard_error_is_as_before() -> None:
    assert run().endswith("after the filter\nand after\n")


def test_a_person_looking_for_a_fault_can_see_everything() -> None:
    shown = run(HOLISTIC_NATIVE_LOGS="1")
    assert "Feedback manager" in shown
    assert "XNNPACK" in shown
