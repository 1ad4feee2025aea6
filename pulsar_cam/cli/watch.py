"""``pulsar-cam watch``: the frames of a topic in a window."""

from __future__ import annotations

import math
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import OutputError
from ..pulsar.endpoint import Endpoint
from ..pulsar.topics import DEFAULT_TOPIC, Topic, check_subscription
from . import options
from .access import reaches_node
from .output.console import StatusLine, set_up_logging, stoppable
from .output.metrics import metrics
from .output.wording import with_options

if TYPE_CHECKING:
    from ..watching.stats import WatchStats

EXAMPLES = """
Examples:\n
  pulsar-cam watch --subscription viewer1\n
  pulsar-cam watch --headless --frames 300 --json\n
  pulsar-cam watch --topic front-door --snapshot now.jpg
"""


@reaches_node
def watch(
    topic: options.TopicName = DEFAULT_TOPIC,
    subscription: Annotated[
        str | None,
        typer.Option(
            "--subscription",
            "-s",
            metavar="NAME",
            help="Each viewer needs its own. \\[default: a new one]",
            show_default=False,
            rich_help_panel=options.STREAM,
        ),
    ] = None,
    max_age: Annotated[
        float | None,
        typer.Option(
            "--max-age",
            metavar="MS",
            help="Show no frame older than this, and jump to live instead; 0 is no limit. "
            "\\[default: 500, and no limit with --durable]",
            show_default=False,
            rich_help_panel=options.STREAM,
        ),
    ] = None,
    durable: Annotated[
        bool,
        typer.Option(
            "--durable",
            help="Keep the subscription's place while this viewer is away; costs disk space.",
            rich_help_panel=options.STREAM,
        ),
    ] = False,
    every_frame: Annotated[
        bool,
        typer.Option(
            "--every-frame",
            help="Show every frame once and in order, whatever its age. Implies --durable.",
            rich_help_panel=options.STREAM,
        ),
    ] = False,
    frames: options.Frames = None,
    duration: options.Duration = None,
    *,
    headless: Annotated[
        bool,
        typer.Option(
            "--headless", help="Without a window: decode, measure and count.", rich_help_panel=options.OUTPUT
        ),
    ] = False,
    snapshot: Annotated[
        Path | None,
        typer.Option(
            "--snapshot",
            metavar="FILE",
            help="Save the last frame as .jpg (as received) or .png. Without --frames and --duration: one frame, "
            "then end.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    show_stages: options.ShowStages = False,
    as_json: options.Json = False,
    verbose: options.Verbose = 0,
    endpoint: Endpoint,
    metrics_port: options.MetricsPort = None,
    metrics_host: options.MetricsHost = options.METRICS_HOST,
) -> None:
    """Show the frames of a topic in a window, and acknowledge each.

    Keys: q or Esc quits, space pauses, s saves a snapshot, i shows the info overlay, f toggles full screen.

    The age of a frame compares the publisher's clock with this machine's.
    """
    set_up_logging(verbose)
    full_topic = Topic.parse(topic)
    name = check_subscription(subscription) if subscription is not None else f"viewer-{secrets.token_hex(4)}"

    with stoppable() as stop:
        from ..metrics.viewer import viewer_readings
        from ..sinks.snapshot import check_snapshot_path, save_snapshot
        from ..sinks.viewer import Viewer
        from ..sinks.window import Window
        from ..watching.plan import WatchPlan
        from ..watching.stats import WatchStats
        from ..watching.watch import watch as run

        if snapshot:
            check_snapshot_path(snapshot)
            frames = 1 if frames is None and duration is None else frames
            headless = headless or frames == 1
        plan = WatchPlan(
            subscription=name,
            durable=durable,
            every_frame=every_frame,
            max_age_ms=math.inf if max_age == 0 else max_age,
            frames=frames,
            duration_s=duration,
        )
        stats = WatchStats()
        viewer = Viewer(None if headless else Window(f"pulsar-cam: {full_topic.name} ({name})", with_options))
        with (
            metrics(metrics_port, metrics_host, (stats, viewer_readings(stats, full_topic))),
            StatusLine(stats, "watch", as_json=as_json, with_stages=show_stages) as status,
            status.summary(lambda: summary(stats)),
        ):
            run(endpoint, full_topic, plan, sink=viewer, stop=stop, stats=stats, on_tick=status.tick)
        if snapshot and viewer.packet:
            save_snapshot(viewer.packet, snapshot)
            typer.echo(f"snapshot saved: {snapshot}", err=True)
        if stop.is_set():
            raise typer.Exit(130)
        if snapshot and not viewer.packet:
            raise OutputError(str(snapshot), "no frame was shown", f"check that there is a publisher on {full_topic}")


def summary(stats: WatchStats) -> str:
    """Return how a run of `watch` ended, as a sentence without its time."""
    return (
        f"received {stats.received} messages, {stats.received_bytes / 1e6:.1f} MB, shown {stats.shown} frames "
        f"({stats.ages.text}), dropped {stats.dropped}, missing {stats.gaps.missing}{_sessions(stats)},"
    )


def _sessions(stats: WatchStats) -> str:
    from ..measure.counters import reconnected_text

    if not stats.session:
        return ""
    jumps = stats.session.jumps
    jumped = f", jumped to live {'once' if jumps == 1 else f'{jumps} times'}" if jumps else ""
    return jumped + reconnected_text(stats.session.reconnects, stats.session.recovery_s)
