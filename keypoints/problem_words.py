"""What pydantic finds wrong, in the words of whoever wrote the setting, rule or role."""

from collections.abc import Mapping
from typing import Any, Final

_WORDS: Final[Mapping[str, str]] = {
    "missing": "it must be given",
    "extra_forbidden": "there is no such field",
    "bool_parsing": "it must be true or false",
    "bool_type": "it must be true or false",
    "int_parsing": "it must be a whole number",
    "int_type": "it must be a whole number",
    "int_from_float": "it must be a whole number",
    "float_parsing": "it must be a number",
    "float_type": "it must be a number",
    "finite_number": "it must be a finite number",
    "string_type": "it must be a text",
    "string_too_short": "it must have {min_length} characters or more",
    "string_too_long": "it must have {max_length} characters or fewer",
    "string_pattern_mismatch": "it must have the form {pattern}",
    "too_short": "it must have {min_length} entries or more",
    "too_long": "it must have {max_length} entries or fewer",
    "tuple_type": "it must be a list",
    "list_type": "it must be a list",
    "dict_type": "it must be an object of names and values",
    "mapping_type": "it must be an object of names and values",
    "literal_error": "it must be {expected}",
    "enum": "it must be {expected}",
    "greater_than": "it must be more than {gt}",
    "greater_than_equal": "it must be {ge} or more",
    "less_than": "it must be less than {lt}",
    "less_than_equal": "it must be {le} or less",
    "value_error": "{error}",
}


def say_problem(problem: Mapping[str, Any]) -> str:
    """One of `ValidationError.errors()` as a sentence, without what was given, which may be a secret."""
    words = _WORDS.get(str(problem["type"]))
    if words is None:
        return str(problem["msg"])
    return words.format_map(problem.get("ctx") or {})


def say_problems(problems: list[Any]) -> str:
    """All of `ValidationError.errors()`, each with the place it is about."""
    places = (".".join(str(part) for part in problem["loc"]) for problem in problems)
    told = (say_problem(problem) for problem in problems)
    return "; ".join(": ".join(filter(None, pair)) for pair in zip(places, told, strict=True))
