"""``pulsar-cam publish``: a camera, a film, a stream or a test pattern to a topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InvalidOption
from ..pulsar.endpoint import Endpoint
from ..pulsar.topics import DEFAULT_TOPIC, Topic
from . import options
from .access import reaches_node
from .output.console import StatusLine, set_up_logging, stoppable
from .output.metrics import metrics
from .output.wording import with_options

if TYPE_CHECKING:
    from ..publishing.stats import PublishStats

EXAMPLES = """
Examples:\n
  pulsar-cam publish --device 0\n
  pulsar-cam publish --source film.mp4 --loop --topic front-door\n
  pulsar-cam publish --source film.mp4 --every-frame --topic archive\n
  pulsar-cam publish --source rtsp://camera.example/stream --quality 90\n
  pulsar-cam publish --source test-pattern: --size 1920x1080 --fps 30
"""


@reaches_node
def publish(
    device: Annotated[
        str | None,
        typer.Option(
            "--device",
            "-d",
            metavar="CAMERA",
            help="Camera by number or path. \\[default: 0]",
            show_default=False,
            rich_help_panel=options.SOURCE,
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            "-s",
            metavar="FILE|URL",
            help="A video file, an RTSP or HTTP URL, or test-pattern: instead of a camera.",
            rich_help_panel=options.SOURCE,
        ),
    ] = None,
    loop: Annotated[
        bool,
        typer.Option("--loop", help="Start a video file over at its end.", rich_help_panel=options.SOURCE),
    ] = False,
    exit_on_camera_loss: Annotated[
        bool,
        typer.Option(
            "--exit-on-camera-loss",
            help="End when a camera or live stream stops, instead of opening it again.",
            rich_help_panel=options.SOURCE,
        ),
    ] = False,
    size: Annotated[
        str | None,
        typer.Option(
            "--size",
            metavar="WIDTHxHEIGHT",
            help="Such as 1280x720. \\[default: the source's own; 1280x720 for cameras]",
            rich_help_panel=options.PICTURE,
        ),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(
            "--fps",
            metavar="N",
            help="Frames per second, at most those of the source.",
            rich_help_panel=options.PICTURE,
        ),
    ] = None,
    quality: Annotated[
        int | None,
        typer.Option(
            "--quality",
            "-q",
            metavar="N",
            help="JPEG quality, 1 to 100. \\[default: a source's own JPEGs as they are, else 80]",
            show_default=False,
            rich_help_panel=options.PICTURE,
        ),
    ] = None,
    adapt: Annotated[
        bool,
        typer.Option(
            "--adapt/--fixed",
            help="Lower quality, size and rate while the link to the node is too slow.",
            rich_help_panel=options.PICTURE,
        ),
    ] = True,
    follow_monitor: Annotated[
        bool,
        typer.Option(
            "--follow-monitor",
            help="Lower the quality also when 'pulsar-cam monitor' reports that frames are late behind the node.",
            rich_help_panel=options.PICTURE,
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only log what --adapt would change.", rich_help_panel=options.PICTURE),
    ] = False,
    topic: options.TopicName = DEFAULT_TOPIC,
    every_frame: Annotated[
        bool,
        typer.Option(
            "--every-frame",
            help="Drop no frame of a video file: wait for the node, and send again what it lacks.",
            rich_help_panel=options.STREAM,
        ),
    ] = False,
    on_demand: Annotated[
        bool,
        typer.Option(
            "--on-demand",
            help="Send one frame a second while there are no viewers. Needs the admin API.",
            rich_help_panel=options.STREAM,
        ),
    ] = False,
    frames: options.Frames = None,
    duration: options.Duration = None,
    *,
    preview: Annotated[
        bool,
        typer.Option("--preview", help="Show the frames in a window here, too.", rich_help_panel=options.OUTPUT),
    ] = False,
    show_stages: options.ShowStages = False,
    as_json: options.Json = False,
    verbose: options.Verbose = 0,
    endpoint: Endpoint,
    metrics_port: options.MetricsPort = None,
    metrics_host: options.MetricsHost = options.METRICS_HOST,
) -> None:
    """Publish frames from a camera, a video file, a URL or a test pattern.

    A late frame is dropped, never sent late, and every drop is counted with its reason.

    With --every-frame no frame of a video file is dropped, and after a fault publishing goes on where it was.
    """
    set_up_logging(verbose)
    if device is not None and source is not None:
        raise InvalidOption("source", source, "give this or `device`, not both")
    if dry_run and not adapt:
        raise InvalidOption("dry_run", True, "there is nothing to report with `Adapt.OFF`; leave one of the two out")
    full_topic, pixels = Topic.parse(topic), options.parse_size(size)
    uri = next(each for each in (source, device, "0") if each is not None)  # an empty one is a mistake, no camera 0

    with stoppable() as stop:
        from ..metrics.publisher import publisher_readings
        from ..publishing.plan import Adapt, PublishPlan
        from ..publishing.publish import publish as run
        from ..publishing.stats import PublishStats
        from ..sinks.viewer import Viewer
        from ..sinks.window import Window
        from ..sources.opening import open_source

        plan = PublishPlan(
            quality=80 if quality is None else quality,
            adapt=Adapt.OFF if not adapt else Adapt.DRY_RUN if dry_run else Adapt.ON,
            on_demand=on_demand,
            follow_monitor=follow_monitor,
            every_frame=every_frame,
            exit_on_camera_loss=exit_on_camera_loss,
            frames=frames,
            duration_s=duration,
        )
        stats = PublishStats()
        viewer = Viewer(Window(f"pulsar-cam: {full_topic.name} (preview)", with_options) if preview else None)
        with (
            metrics(metrics_port, metrics_host, (stats, publisher_readings(stats, full_topic))),
            StatusLine(stats, "publish", as_json=as_json, with_stages=show_stages) as status,
            status.summary(lambda: summary(stats)),
        ):
            run(
                lambda: open_source(uri, size=pixels, fps=fps, loop=loop, keep_jpeg=quality is None),
                endpoint,
                full_topic,
                plan,
                preview=viewer,
                stop=stop,
                stats=stats,
                on_tick=status.tick,
            )
        if stop.is_set():
            raise typer.Exit(130)


def summary(stats: PublishStats) -> str:
    """Return how a run of `publish` ended, as a sentence without its time."""
    from ..measure.counters import reconnected_text

    reconnected = reconnected_text(stats.session.reconnects, stats.session.recovery_s) if stats.session else ""
    return (
        f"published {stats.published} of {stats.captured} captured frames, {stats.published_bytes / 1e6:.1f} MB, "
        f"dropped {stats.dropped}{reconnected}{_losses(stats)},"
    )


def _losses(stats: PublishStats) -> str:
    losses = stats.source.losses if stats.source else 0
    return f", lost the camera {'once' if losses == 1 else f'{losses} times'}" if losses else ""
