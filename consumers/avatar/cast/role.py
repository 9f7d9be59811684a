"""A role: what one stream plays, and where it is shown."""

import json
from collections.abc import Callable
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, field_validator

from consumers.avatar.cast.errors import BadRole
from keypoints.problem_words import say_problems
from keypoints.topics import STREAM_ID_MAX_CHARACTERS, InvalidStreamId, check_stream_id

EVERYBODY: Final = "*"
"""The stream of the role that holds for all streams without one of their own."""

_MOST_TARGETS: Final = 16
_LONGEST_TARGET: Final = 1024
_LONGEST_NAME: Final = 200
_MOST_MEASURES: Final = 256

_FIELDS: Final = "docs/avatar-roles.md says what a role has"

TargetCheck = Callable[[str], object]
"""Raises a Terminal that says what is wrong with a target."""


class Role(BaseModel):
    """What a stream plays. A field that is null says nothing: everybody's role does then, or else the service."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stream: str = Field(min_length=1, max_length=STREAM_ID_MAX_CHARACTERS, description="The stream, or * for all.")
    avatar: str | None = Field(
        default=None, min_length=1, max_length=_LONGEST_NAME, description="Model the viewer shows; null: the built-in."
    )
    targets: tuple[str, ...] | None = Field(
        default=None,
        max_length=_MOST_TARGETS,
        description="Receivers, as vmc://127.0.0.1:39539?profile=vseeface; none of them: [].",
    )
    mirror: bool | None = Field(default=None, description="Move as a mirror would: the left hand for the right one.")
    ground_contact: bool | None = Field(default=None, description="Keep feet that stand where they are.")
    neutral_face: dict[str, FiniteFloat] | None = Field(
        default=None,
        max_length=_MOST_MEASURES,
        description="How the face is at rest, as calibrating measured it; null: found out meanwhile.",
    )
    calibrate_at_ms: int | None = Field(
        default=None,
        ge=0,
        description="When calibrating was asked for, in ms since 1970; due until answered.",
    )
    calibrated_at_ms: int | None = Field(default=None, ge=0, description="Which wish neutral_face is the answer to.")

    @field_validator("stream")
    @classmethod
    def _check_stream(cls, value: str) -> str:
        try:
            return check_stream_id(value)
        except InvalidStreamId as error:
            raise ValueError(error.message) from error

    @field_validator("targets")
    @classmethod
    def _check_targets(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for target in value or ():
            if not 0 < len(target) <= _LONGEST_TARGET:
                raise ValueError(f"a target has 1 to {_LONGEST_TARGET} characters")
        return value

    @property
    def is_calibration_due(self) -> bool:
        """Whether calibrating was asked for and is not done."""
        return self.calibrate_at_ms is not None and self.calibrate_at_ms > (self.calibrated_at_ms or -1)

    def over(self, shared: "Role") -> Self:
        """This role, and where it says nothing what `shared` says."""
        missing = {name: value for name, value in shared if getattr(self, name) is None}
        return self.model_copy(update=missing)


def read_role(value: bytes, stream: str) -> Role:
    """A role as the topic holds it, or as a request brings it. Raises BadRole."""
    try:
        fields = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise BadRole(f"the role of {stream} is no JSON: {error}", stream=stream) from error
    if not isinstance(fields, dict):
        raise BadRole(f"the role of {stream} must be a JSON object", stream=stream)
    return make_role({**fields, "stream": stream})


def make_role(fields: dict[str, object], check_target: TargetCheck | None = None) -> Role:
    """A role of these fields, its targets looked at by `check_target`. Raises BadRole, or what the check raises."""
    try:
        role = Role.model_validate(fields)
    except ValidationError as error:
        problems = say_problems(error.errors())
        raise BadRole(
            f"no role can be made of that: {problems}", hint=_FIELDS, stream=str(fields.get("stream"))[:100]
        ) from error
    if check_target is not None:
        for target in role.targets or ():
            check_target(target)
    return role
