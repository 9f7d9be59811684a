"""Objects as kustomize makes them, and what they say, in the words of the tests."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic_settings import BaseSettings

from kafka_io.environment import name_variable

REPOSITORY: Final = Path(__file__).resolve().parents[2]
OLDEST_CLUSTER: Final = "1.31"
MANIFESTS: Final = REPOSITORY / "deploy" / "kubernetes"
# Components came with kustomize 3.7, which is in kubectl since 1.21.
_FIRST_WITH_COMPONENTS: Final = (1, 21)

Object = Mapping[str, Any]


def find_kubectl() -> str | None:
    """A kubectl that knows components, or None."""
    path = shutil.which("kubectl")
    if path is None:
        return None
    told = subprocess.run(
        [path, "version", "--client", "-o", "yaml"], text=True, capture_output=True, check=False, timeout=30
    ).stdout
    found = re.search(r"gitVersion: v(\d+)\.(\d+)", told)
    return path if found and (int(found[1]), int(found[2])) >= _FIRST_WITH_COMPONENTS else None


@dataclass(frozen=True)
class Pod:
    """The pod template of a Deployment, Job or CronJob."""

    owner: Object

    @property
    def template(self) -> Object:
        """What pods are made of."""
        spec = self.owner["spec"]
        found: Object = (spec["jobTemplate"]["spec"] if self.owner["kind"] == "CronJob" else spec)["template"]
        return found

    @property
    def name(self) -> str:
        """Its owner's, which in this house is its label as well."""
        return str(self.owner["metadata"]["name"])

    @property
    def labels(self) -> Mapping[str, str]:
        """What selectors go by."""
        found: Mapping[str, str] = self.template["metadata"]["labels"]
        return found

    @property
    def spec(self) -> Object:
        """Of the pod."""
        found: Object = self.template["spec"]
        return found

    @property
    def containers(self) -> list[Object]:
        """All of them."""
        return [*self.spec["containers"], *self.spec.get("initContainers", ())]

    @property
    def service(self) -> Object:
        """The container the pod is there for."""
        return next(container for container in self.containers if container["name"] == "service")

    @property
    def is_job(self) -> bool:
        """Whether it ends by itself."""
        return self.owner["kind"] in {"Job", "CronJob"}


@dataclass(frozen=True)
class Built:
    """Everything a kustomization makes."""

    folder: str
    objects: tuple[Object, ...]

    def of_kind(self, kind: str) -> list[Object]:
        """Objects of one kind."""
        return [one for one in self.objects if one["kind"] == kind]

    @cached_property
    def pods(self) -> dict[str, Pod]:
        """Pods by name."""
        owners = [one for kind in ("Deployment", "Job", "CronJob") for one in self.of_kind(kind)]
        return {pod.name: pod for pod in map(Pod, owners)}

    def selected(self, labels: Mapping[str, str]) -> set[str]:
        """Names of the pods that have all these labels."""
        return {name for name, pod in self.pods.items() if labels.items() <= pod.labels.items()}


@cache
def build(kubectl: str, folder: str) -> Built:
    """What `kubectl kustomize` makes of a folder below deploy/kubernetes. Raises AssertionError with what it said."""
    return _run(kubectl, MANIFESTS / folder)


@cache
def build_component(kubectl: str, components: tuple[str, ...], scratch: Path) -> Built:
    """The base with these components and no overlay between."""
    folder = scratch / "-".join(components)
    folder.mkdir(parents=True)
    # Kustomize takes no absolute paths.
    base = Path("/".join([".."] * len(folder.parts[1:]))) / MANIFESTS.relative_to("/")
    kustomization = {
        "resources": [f"{base}/base"],
        "components": [f"{base}/components/{component}" for component in components],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return _run(kubectl, folder)


def _run(kubectl: str, folder: Path) -> Built:
    done = subprocess.run([kubectl, "kustomize", str(folder)], text=True, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr.lower(), done.stderr
    return Built(folder.name, tuple(yaml.safe_load_all(done.stdout)))


@dataclass(frozen=True)
class ImageFacts:
    """What the Dockerfile says of a target."""

    ports: frozenset[int]
    command: tuple[str, ...]


def read_dockerfile() -> dict[str, ImageFacts]:
    """Targets of the Dockerfile with their EXPOSE and CMD."""
    found: dict[str, ImageFacts] = {}
    for target, body in _stages((REPOSITORY / "Dockerfile").read_text()):
        ports = frozenset(
            int(port) for line in re.findall(r"^EXPOSE (.+)$", body, re.MULTILINE) for port in line.split()
        )
        command = re.search(r"^CMD (\[.+\])$", body, re.MULTILINE)
        found[target] = ImageFacts(ports, tuple(yaml.safe_load(command[1])) if command else ())
    return found


def _stages(dockerfile: str) -> Iterator[tuple[str, str]]:
    parts = re.split(r"^FROM \S+ AS (\S+)$", dockerfile, flags=re.MULTILINE)
    return zip(parts[1::2], parts[2::2], strict=True)


def variables_of(*kinds: type[BaseSettings]) -> set[str]:
    """Every variable these settings are read from."""
    return {name_variable(kind, name) for kind in kinds for name in kind.model_fields}
