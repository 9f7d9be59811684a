"""Every decoder that faces the outside, by name."""

from __future__ import annotations

from tests.security.fuzz import files, records, talk, uploads
from tests.security.fuzz.target import Target

ALL: dict[str, Target] = {target.name: target for room in (records, uploads, files, talk) for target in room.TARGETS}
