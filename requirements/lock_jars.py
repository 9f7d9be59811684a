"""Pins every file the local stack downloads: writes local_stack/artifacts.txt (coordinates, bytes, SHA-256).

Run it after changing a version below: `.venv/bin/python requirements/lock_jars.py`.
"""

import hashlib
from pathlib import Path

import jgo
from jgo.maven import Artifact, MavenContext

KAFKA = "org.apache.kafka:kafka_2.13:4.1.1"
# Resolved by itself: resolved together with Kafka its dependency management would bring older Kafka clients in.
KAFKA_LOGGING = ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.24.3")
REGISTRY = ("io.apicurio", "apicurio-registry-app", "3.3.3")
# Only tests fetch these. Spark's own version, requirements/spark.in, is the one the runtime is made for.
ICEBERG_SPARK = (
    ("org.apache.iceberg", "iceberg-spark-runtime-4.0_2.13", "1.10.1"),
    ("org.postgresql", "postgresql", "42.7.13"),
)
LOCK_FILE = Path(__file__).resolve().parents[1] / "local_stack" / "artifacts.txt"


def describe(part: str, artifact: Artifact) -> str:
    content = artifact.resolve().read_bytes()
    coordinates = f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}:{artifact.packaging}"
    if artifact.classifier:
        coordinates += f":{artifact.classifier}"
    return f"{part} {coordinates} {len(content)} {hashlib.sha256(content).hexdigest()}"


def main() -> None:
    context = MavenContext()
    group, name, version = KAFKA_LOGGING
    jars = [*jgo.resolve(KAFKA), context.project(group, name).at_version(version).artifact()]
    group, name, version = REGISTRY
    registry = context.project(group, name).at_version(version).artifact(classifier="all", packaging="tar.gz")
    of_spark = [context.project(group, name).at_version(version).artifact() for group, name, version in ICEBERG_SPARK]
    lines = [
        *(describe("iceberg-spark", jar) for jar in of_spark),
        *sorted(describe("kafka", jar) for jar in jars),
        describe("registry", registry),
    ]
    LOCK_FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{LOCK_FILE}: {len(lines)} files")


if __name__ == "__main__":
    main()
