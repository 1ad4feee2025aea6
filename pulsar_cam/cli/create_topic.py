"""``pulsar-cam create-topic``: a topic with the limits it needs."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InvalidOption
from ..pulsar.endpoint import Endpoint
from ..pulsar.topics import DEFAULT_TOPIC, Topic
from . import options
from .access import reaches_node
from .output.console import set_up_logging

if TYPE_CHECKING:
    from ..pulsar.admin.topic_policy import TopicPolicy

EXAMPLES = """
Examples:\n
  pulsar-cam create-topic\n
  pulsar-cam create-topic --topic front-door --retention 1h\n
  pulsar-cam create-topic --topic non-persistent://public/default/preview
"""

_LIMITS = "Limits"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


@reaches_node
def create_topic(
    topic: options.TopicName = DEFAULT_TOPIC,
    partitions: Annotated[
        int | None,
        typer.Option(
            "--partitions",
            min=0,
            max=1000,
            metavar="N",
            help="Each camera stays on one of them. Without it, a new topic is not partitioned.",
            rich_help_panel=options.STREAM,
        ),
    ] = None,
    retention: Annotated[
        str | None,
        typer.Option(
            "--retention",
            metavar="TIME",
            help="How long to keep frames, such as 30m, 12h or 7d.",
            rich_help_panel=_LIMITS,
        ),
    ] = None,
    retention_size: Annotated[
        str | None,
        typer.Option(
            "--retention-size",
            metavar="SIZE",
            help="How much to keep at most, such as 500MB or 10GB.",
            rich_help_panel=_LIMITS,
        ),
    ] = None,
    ttl: Annotated[
        str | None,
        typer.Option(
            "--ttl",
            metavar="TIME",
            help="Skip what a subscription did not take within this time, such as 30s.",
            rich_help_panel=_LIMITS,
        ),
    ] = None,
    backlog_limit: Annotated[
        str | None,
        typer.Option(
            "--backlog-limit",
            metavar="SIZE",
            help="How far subscriptions may lag, such as 1GB; then they skip the oldest.",
            rich_help_panel=_LIMITS,
        ),
    ] = None,
    *,
    as_json: options.JsonOnce = False,
    verbose: options.Verbose = 0,
    endpoint: Endpoint,
) -> None:
    """Create a topic and set its limits; for a topic that exists, set the limits that are given.

    Without limits, those of the node apply. Persistent topics keep frames on the node's disk; others keep nothing.
    """
    from ..pulsar.admin.topic_policy import TopicPolicy

    set_up_logging(verbose)
    policy = TopicPolicy(
        retention_s=_quantity("retention_s", retention, _SECONDS),
        retention_bytes=_quantity("retention_bytes", retention_size, _BYTES),
        ttl_s=_quantity("ttl_s", ttl, _SECONDS),
        backlog_bytes=_quantity("backlog_bytes", backlog_limit, _BYTES),
    )
    full_topic = Topic.parse(topic)
    policy.check(full_topic)
    created, existing = asyncio.run(_create(endpoint, full_topic, partitions, policy))
    if as_json:
        typer.echo(json.dumps({"topic": str(full_topic), "created": created, "partitions": existing}))
    else:
        typer.echo(f"topic {full_topic} {'created' if created else 'exists already'}")
        has_new_limits = created or policy != TopicPolicy()
        typer.echo(policy.cost(full_topic) if has_new_limits else "disk: its limits are unchanged")


async def _create(endpoint: Endpoint, topic: Topic, partitions: int | None, policy: TopicPolicy) -> tuple[bool, int]:
    """Return whether the topic is new, and how many partitions it has."""
    from ..errors import TopicTerminated
    from ..pulsar.admin.admin import Admin
    from ..pulsar.admin.topic_rules import is_terminated

    async with Admin(endpoint) as admin:
        created = await admin.create_topic(topic, partitions)
        if not created and await is_terminated(admin, topic):
            raise TopicTerminated(str(topic))
        await policy.apply(admin, topic)
        return created, await admin.partitions(topic)


def _quantity(parameter: str, text: str | None, units: dict[str, int]) -> int | None:
    if text is None:
        return None
    match = re.fullmatch(rf"(\d{{1,9}})({'|'.join(units)})", text.strip(), re.ASCII | re.IGNORECASE)
    amount = int(match.group(1)) if match else 0
    if not match or not amount:
        examples = ", ".join(f"10{unit}" for unit in units)
        raise InvalidOption(parameter, ascii(text), f"expected a whole number with its unit: {examples}")
    unit = match.group(2)
    return amount * (units.get(unit) or units[unit.lower() if unit.lower() in units else unit.upper()])
