"""What somebody reads whose setting, rule or role pydantic refuses."""

from typing import Annotated, Literal

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from keypoints.problem_words import say_problems


def refuse(_: str) -> str:
    raise ValueError("it is nobody's name")


class Wish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    count: int = Field(default=1, ge=1, le=9)
    speed: float = Field(default=1.0, gt=0, lt=2)
    loud: bool = False
    kind: Literal["live", "late"] = "live"
    name: str = Field(default="ada", min_length=2, max_length=4)
    parts: tuple[str, ...] = Field(default=(), max_length=1)
    weights: dict[str, float] = Field(default_factory=dict)
    friend: Annotated[str, AfterValidator(refuse)] | None = None


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"count": "many"}, "count: it must be a whole number"),
        ({"count": 0}, "count: it must be 1 or more"),
        ({"count": 10}, "count: it must be 9 or less"),
        ({"speed": "fast"}, "speed: it must be a number"),
        ({"speed": 0}, "speed: it must be more than 0.0"),
        ({"speed": 2}, "speed: it must be less than 2.0"),
        ({"loud": "very"}, "loud: it must be true or false"),
        ({"kind": "lost"}, "kind: it must be 'live' or 'late'"),
        ({"name": "a"}, "name: it must have 2 characters or more"),
        ({"name": 7}, "name: it must be a text"),
        ({"parts": ["a", "b"]}, "parts: it must have 1 entries or fewer"),
        ({"parts": 5}, "parts: it must be a list"),
        ({"weights": []}, "weights: it must be an object of names and values"),
        ({"friend": "bob"}, "friend: it is nobody's name"),
        ({"colour": "red", "count": 0}, "count: it must be 1 or more; colour: there is no such field"),
    ],
)
def test_each_problem_has_words_for_people(wish: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Wish.model_validate(wish)
    assert say_problems(refused.value.errors()) == told


def test_what_has_no_words_of_ours_is_said_in_pydantic_s() -> None:
    assert say_problems([{"type": "new_one", "loc": (), "msg": "Odd"}]) == "Odd"
