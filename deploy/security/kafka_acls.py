"""`python -m deploy.security.kafka_acls`: gives each service of the suite its rights on a Kafka cluster.

    python -m deploy.security.kafka_acls --print             # lines for kafka-acls, to be read or run
    python -m deploy.security.kafka_acls --apply             # through KAFKA_BOOTSTRAP_SERVERS, as a super user
    python -m deploy.security.kafka_acls --check             # ends 1 where the cluster has others
    python -m deploy.security.kafka_acls --apply --principal "holistic-archive=User:CN=archive,O=example"

The cluster needs an authorizer (`authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer`), and
`allow.everyone.if.no.acl.found` must be false. Rules of other principals are left alone.
"""

import argparse
import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)

from deploy.security.grants import ACCOUNTS, Kind, Operation, Right, list_rights
from kafka_io.admin import open_admin
from kafka_io.errors import KafkaRefused
from kafka_io.settings import KafkaSettings, read_kafka_settings
from keypoints.errors import HolisticError, Terminal

_KINDS: Final = {Kind.TOPIC: ResourceType.TOPIC, Kind.GROUP: ResourceType.GROUP}
_OPERATIONS: Final = {
    Operation.READ: ACLOperation.READ,
    Operation.WRITE: ACLOperation.WRITE,
    Operation.CREATE: ACLOperation.CREATE,
    Operation.DELETE: ACLOperation.DELETE,
    Operation.DESCRIBE: ACLOperation.DESCRIBE,
    Operation.DESCRIBE_CONFIGS: ACLOperation.DESCRIBE_CONFIGS,
}
_ANY_HOST: Final = "*"


class UnknownAccount(Terminal):
    """A principal was given for an account there is not. Fields: account."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What the cluster lacks of what is wanted, and what it has of these principals beyond that."""

    missing: tuple[Right, ...]
    extra: tuple[ACL, ...]


def compare_rights(settings: KafkaSettings, wanted: Sequence[Right]) -> Difference:
    """What would have to change. Raises KafkaUnavailable or KafkaRefused (no authorizer, no super user)."""
    there: dict[Right | None, list[ACL]] = {}
    with open_admin(settings, "reading the cluster's rights") as admin:
        for principal in sorted({right.principal for right in wanted}):
            found, _ = admin.describe_acls(_every_rule_of(principal))
            for acl in found:
                there.setdefault(_as_right(acl), []).append(acl)
    known = set(wanted)
    extra = [acl for right, acls in there.items() if right not in known for acl in acls]
    return Difference(tuple(right for right in wanted if right not in there), tuple(extra))


def apply_rights(settings: KafkaSettings, wanted: Sequence[Right], *, prune: bool = False) -> Difference:
    """Add what is missing and, with `prune`, remove what these principals have beyond; returns what there was to do.

    Raises KafkaUnavailable or KafkaRefused.
    """
    found = compare_rights(settings, wanted)
    with open_admin(settings, "changing the cluster's rights") as admin:
        if found.missing:
            failed = admin.create_acls([_as_acl(right) for right in found.missing])["failed"]
            if failed:
                raise KafkaRefused(
                    f"{len(failed)} of {len(found.missing)} rights were refused: {failed[0].__name__}",
                    hint="log in as a super user",
                )
        if prune and found.extra:
            admin.delete_acls([_exactly(acl) for acl in found.extra])
    return found


def write_commands(wanted: Iterable[Right]) -> list[str]:
    """The same as lines for Kafka's own `kafka-acls.sh`; `"$@"` stands for how it reaches the cluster."""
    grouped: dict[tuple[str, Kind, str, bool], list[Operation]] = {}
    for right in wanted:
        grouped.setdefault((right.principal, right.kind, right.name, right.is_prefix), []).append(right.operation)
    return [
        f'kafka-acls.sh "$@" --add --allow-principal {shlex.quote(principal)} --{kind} {shlex.quote(name)} '
        f"--resource-pattern-type {'prefixed' if is_prefix else 'literal'} "
        + " ".join(f"--operation {operation}" for operation in operations)
        for (principal, kind, name, is_prefix), operations in grouped.items()
    ]


def read_principals(given: Iterable[str]) -> dict[str, str]:
    """`account=principal` texts as a mapping. Raises UnknownAccount."""
    known = {account.name for account in ACCOUNTS}
    principals: dict[str, str] = {}
    for text in given:
        account, _, principal = text.partition("=")
        if account not in known or not principal.startswith("User:"):
            raise UnknownAccount(
                f"{text!r} names no principal of an account",
                hint=f"as in {sorted(known)[0]}=User:CN=archive; accounts are {', '.join(sorted(known))}",
                account=account,
            )
        principals[account] = principal
    return principals


def _as_acl(right: Right) -> ACL:
    pattern = ACLResourcePatternType.PREFIXED if right.is_prefix else ACLResourcePatternType.LITERAL
    return ACL(
        right.principal,
        _ANY_HOST,
        _OPERATIONS[right.operation],
        ACLPermissionType.ALLOW,
        ResourcePattern(_KINDS[right.kind], right.name, pattern),
    )


def _as_right(acl: ACL) -> Right | None:
    """None for a rule of a form that none of ours has."""
    kinds = {resource: kind for kind, resource in _KINDS.items()}
    operations = {theirs: ours for ours, theirs in _OPERATIONS.items()}
    pattern = acl.resource_pattern
    if (
        acl.host != _ANY_HOST
        or acl.permission_type != ACLPermissionType.ALLOW
        or pattern.resource_type not in kinds
        or acl.operation not in operations
    ):
        return None
    is_prefix = pattern.pattern_type == ACLResourcePatternType.PREFIXED
    return Right(
        acl.principal, kinds[pattern.resource_type], pattern.resource_name, is_prefix, operations[acl.operation]
    )


def _every_rule_of(principal: str) -> ACLFilter:
    anything = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    return ACLFilter(principal, None, ACLOperation.ANY, ACLPermissionType.ANY, anything)


def _exactly(acl: ACL) -> ACLFilter:
    pattern = acl.resource_pattern
    return ACLFilter(
        acl.principal,
        acl.host,
        acl.operation,
        acl.permission_type,
        ResourcePatternFilter(pattern.resource_type, pattern.resource_name, pattern.pattern_type),
    )


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 done, or nothing to do; 1 refused, or --check found a difference."""
    parser = argparse.ArgumentParser(prog="python -m deploy.security.kafka_acls", description=__doc__.split("\n\n")[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--print", action="store_true", dest="show", help="print lines for kafka-acls.sh; ask nobody")
    what.add_argument("--json", action="store_true", help="print accounts with what each right is for; ask nobody")
    what.add_argument("--apply", action="store_true", help="add the rights that are missing")
    what.add_argument("--check", action="store_true", help="compare only; ends 1 where there is a difference")
    parser.add_argument("--prune", action="store_true", help="with --apply: remove what these principals have beyond")
    parser.add_argument(
        "--principal", action="append", default=[], metavar="ACCOUNT=User:…", help="what the cluster calls an account"
    )
    options = parser.parse_args(arguments)
    try:
        wanted = list_rights(ACCOUNTS, read_principals(options.principal))
        if options.show:
            print("\n".join(write_commands(wanted)))
            return 0
        if options.json:
            print(orjson.dumps(ACCOUNTS, option=orjson.OPT_INDENT_2).decode())
            return 0
        settings = read_kafka_settings()
        if options.check:
            return _tell(compare_rights(settings, wanted), "missing", "beyond what is needed")
        found = apply_rights(settings, wanted, prune=options.prune)
    except HolisticError as error:
        print(error.message.strip(), *((f"hint: {error.hint}",) if error.hint else ()), sep="\n", file=sys.stderr)
        return 1
    _tell(found, "added", "removed" if options.prune else "beyond what is needed, left")
    return 0


def _tell(found: Difference, missing: str, extra: str) -> int:
    for right in found.missing:
        where = f"{right.kind} {right.name}{'*' if right.is_prefix else ''}"
        print(f"{missing}: {right.principal} {right.operation} {where}")
    for acl in found.extra:
        print(f"{extra}: {acl.principal} {acl.operation.name} {acl.resource_pattern.resource_name} from {acl.host}")
    return 1 if found.missing or found.extra else 0


if __name__ == "__main__":
    sys.exit(main())
