"""What an upload costs besides inference: from the request's first byte to the answer, with Kafka's acknowledgement.

python benchmarks/bench_upload.py [--json] [--uploads N]

Needs the recorded videos (HOLISTIC_SHARED_DATA, else ../shared/data) and a Kafka (KAFKA_BOOTSTRAP_SERVERS, else a local
stack is started for the run). A frame of a 720p video is sent as a JPEG to `POST /upload` of a service with real
MediaPipe, one upload after the other on one connection, as `curl` and cameras do. The time of an upload less the
inference time its answer names is what all the rest took: HTTP, the form, decoding, publishing and Kafka.
"""

import argparse
import io
import sys
import threading
import time
import uuid
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from benchmarks.recorded_video import decode_all, open_kafka, run_on_video
from kafka_io.admin import create_topics, delete_topic
from keypoints.topics import TopicSpec
from producer_service.gateway.settings import GatewaySettings
from producer_service.landmarks.native_noise import native_noise_filtered
from producer_service.landmarks.pool.options import PoolOptions
from producer_service.serve import serve_until
from producer_service.settings import ProducerSettings

BESIDES_INFERENCE_MS = 15.0
WARM_UP = 20


def make_pictures(video: Path) -> list[bytes]:
    """Frames of the video with somebody's hands in them, as JPEGs."""
    pictures = []
    for image in decode_all(video)[20:40]:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=90)
        pictures.append(buffer.getvalue())
    return pictures


def upload_all(port: int, pictures: list[bytes], uploads: int) -> list[dict[str, float]]:
    """Each upload's whole time, and the parts its answer names, in ms."""
    times = []
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        for number in range(WARM_UP + uploads):
            picture = pictures[number % len(pictures)]
            started_s = time.perf_counter()
            answer = client.post("/upload", files={"file": ("demo.jpg", picture, "image/jpeg")})
            whole_ms = (time.perf_counter() - started_s) * 1000
            if answer.status_code != 200:
                raise SystemExit(f"an upload failed: {answer.status_code} {answer.text}")
            if number >= WARM_UP:
                times.append({"whole_ms": whole_ms, **answer.json()["spent"]})
    return times


def measure(video: Path, uploads: int) -> dict[str, object]:
    """Serve, upload, and say where the time went."""
    pictures = make_pictures(video)
    stop, listens, ports = threading.Event(), threading.Event(), []

    def note(port: int) -> None:
        ports.append(port)
        listens.set()

    with native_noise_filtered(), open_kafka() as kafka:
        topic = f"bench-upload-{uuid.uuid4().hex[:8]}"
        create_topics(kafka, [TopicSpec(topic, 6)])
        serving = threading.Thread(
            target=serve_until,
            args=(
                stop,
                GatewaySettings(http_port=0),
                ProducerSettings(topic=topic),
                kafka,
                PoolOptions(workers=1, standby=0),
            ),
            kwargs={"listening": note},
            daemon=True,
        )
        serving.start()
        try:
            if not listens.wait(60):
                raise SystemExit("the service did not come up")
            times = upload_all(ports[0], pictures, uploads)
        finally:
            stop.set()
            serving.join()
            delete_topic(kafka, topic)
    besides = np.array([each["whole_ms"] - each["inference_ms"] for each in times])
    named = {
        f"{part}_ms_{name}": round(float(np.percentile([each[f"{part}_ms"] for each in times], share)), 2)
        for part in ("whole", "waiting", "decoding", "inference", "publishing")
        for name, share in (("p50", 50), ("p99", 99))
    }
    p99_ms = float(np.percentile(besides, 99))
    return {
        "uploads": uploads,
        "picture_bytes": len(pictures[0]),
        "besides_inference_ms_p50": round(float(np.percentile(besides, 50)), 2),
        "besides_inference_ms_p99": round(p99_ms, 2),
        "p99_less_median_inference_ms": round(named["whole_ms_p99"] - named["inference_ms_p50"], 2),
        **named,
        "reached": p99_ms <= BESIDES_INFERENCE_MS,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="What an upload costs besides inference.")
    parser.add_argument("--uploads", type=int, default=500)
    return run_on_video(parser, lambda video, asked: measure(video, asked.uploads))


if __name__ == "__main__":
    sys.exit(main())
