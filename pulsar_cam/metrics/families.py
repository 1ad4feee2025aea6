"""All metric families: their names, units, labels and what they mean."""

from __future__ import annotations

from .family import Family

_STREAM = ("role", "topic")  # role: publisher, viewer or monitor
_TOPIC = ("topic",)
_PROBE = ("topic", "session", "payload_bytes", "stored")
_SUBSCRIPTION = ("topic", "subscription")


def _seconds(name: str, text: str, labels: tuple[str, ...]) -> Family:
    return Family(f"{name}_seconds", "gauge", text, labels, "seconds")


def _count(name: str, unit: str, text: str, labels: tuple[str, ...]) -> Family:
    return Family(f"{name}_{unit}" if name else unit, "counter", text, labels, unit)


def _gauge(name: str, unit: str, text: str, labels: tuple[str, ...]) -> Family:
    return Family(f"{name}_{unit}" if unit else name, "gauge", text, labels, unit)


# Every command
BUILD = Family(
    "build", "info", "Always 1; the labels say which version runs, and on which Python.", ("version", "python")
)

# Publisher and viewer
CAPTURED = _count("captured", "frames", "Frames that the source gave.", _STREAM)
PUBLISHED = _count("published", "frames", "Frames that Pulsar acknowledged.", _STREAM)
RECEIVED = _count("received", "frames", "Messages that arrived; what is not a frame is among those dropped.", _STREAM)
SHOWN = _count("shown", "frames", "Frames that were decoded and shown.", _STREAM)
DROPPED = _count("dropped", "frames", "Frames left out, by reason.", (*_STREAM, "reason"))
UNDER_WAY = _gauge(
    "under_way", "frames", "Frames neither published or shown nor dropped yet; what was captured or received "
    "is always the sum of the three.", _STREAM,
)  # fmt: skip
PUBLISHED_BYTES = _count("published", "bytes", "JPEG bytes of the published frames.", _STREAM)
RECEIVED_BYTES = _count("received", "bytes", "Payload bytes of the messages that arrived.", _STREAM)
CARDS = _count("published", "cards", "Pictures published instead of frames, to say why there are none.", _STREAM)
STAGES = Family(
    "stage_duration_seconds", "histogram", "How long a frame took for each stage of its way: encode, queue, receipt "
    "of a publisher; encode, queue, transport, decode, show of a viewer.", (*_STREAM, "stage"), "seconds",
)  # fmt: skip
AGE = Family(
    "frame_age_seconds",
    "histogram",
    "How old frames were when they were shown, after their capture.",
    _STREAM,
    "seconds",
)
FPS = _gauge("rate", "frames_per_second", "Frames published or shown in a second, over the last two.", _STREAM)
QUALITY = _gauge("jpeg_quality", "", "JPEG quality of the newest frame, 1 to 100.", _STREAM)
WIDTH = _gauge("picture_width", "pixels", "Width of the newest frame, as it was published.", _STREAM)
HEIGHT = _gauge("picture_height", "pixels", "Height of the newest frame, as it was published.", _STREAM)
CONNECTED = _gauge("connected", "", "1 while a session with Pulsar is open, 0 while there is none.", _STREAM)
STALLED = _gauge(
    "stalled", "", "1 while nothing gets through a session that should, though it opens, else 0.", _STREAM
)
RECONNECTS = _count("", "reconnects", "How often a session with Pulsar was opened again.", _STREAM)
RECOVERY = _seconds(
    "last_recovery", "How long the last interruption of the session took; 0 before the first one.", _STREAM
)
ROUND_TRIP = _seconds("round_trip", "The shortest time from a ping to its pong in the last minute.", _STREAM)
WINDOW = _gauge(
    "window",
    "messages",
    "How many messages may be on their way: without receipt, or pushed ahead of our acks.",
    _STREAM,
)
BAD_MESSAGES = _count("bad", "messages", "Texts that were not what Pulsar sends.", _STREAM)
BLOCKED = _seconds(
    "loop_blocked",
    "For how long, at most, the event loop kept everything on it waiting since the first frame.",
    _STREAM,
)
LOOP_WORK = _seconds(
    "loop_work", "Processor time, at most, between two waits of the event loop since the first frame.", _STREAM
)

# Publisher
IN_FLIGHT = _gauge("in_flight", "messages", "Messages that wait for Pulsar's receipt.", _STREAM)
AIM_QUALITY = _gauge("aim_jpeg_quality", "", "JPEG quality that is aimed at, 1 to 100.", _STREAM)
AIM_SCALE = _gauge("aim_scale", "ratio", "Factor on width and height that is aimed at.", _STREAM)
AIM_FPS = _gauge("aim_rate", "frames_per_second", "Frames in a second that are aimed at, at most.", _STREAM)
CHANGES = _count("setting", "changes", "How often quality, scale or rate that are aimed at were changed.", _STREAM)
CAMERA_LOST = _gauge("camera_lost", "", "1 while the source gives no frames and is opened again, else 0.", _STREAM)
CAMERA_LOSSES = _count("camera", "losses", "How often the source stopped.", _STREAM)
CAMERA_RECOVERY = _seconds(
    "camera_last_recovery", "How long the last loss of the source took; 0 before the first one.", _STREAM
)
DAMAGED = _count("camera_damaged", "frames", "Frames of the source that were not pictures.", _STREAM)

# Viewer
MAX_AGE = _seconds("max_age", "Frames older than this are not shown; +Inf for no limit.", _STREAM)
NOTICE = _gauge("notice", "", "1 while the publisher says that it has no pictures, else 0.", _STREAM)
JUMPS = _count("", "jumps", "How often the viewer was behind and jumped to live.", _STREAM)
MISSING = _count("missing", "frames", "Numbers of frames that never came: the publisher left them out.", _STREAM)
REPEATED = _count("repeated", "frames", "Frames that came again or too late.", _STREAM)
CLOCK_OFFSET = _seconds(
    "clock_offset", "How far this machine's clock is ahead of the publisher's; 0 while both may be right.", _STREAM
)
CLOCK_UNCERTAINTY = _seconds("clock_uncertainty", "How far both clocks may be apart unnoticed.", _STREAM)

# Monitor
STATE = _gauge(
    "monitor_state", "", "1 for the state that a part is in, 0 for the others.", ("topic", "part", "state")
)
VIEWED = _seconds("monitor_view_timestamp", "When the monitor last looked, as Unix time.", _TOPIC)
CONNECT = _seconds("connect", "How long a fresh session took to open.", _TOPIC)
IDLE = _seconds("idle_session", "For how long the session that sends nothing but pings has been open.", _TOPIC)
PROBE_RECEIPT = _seconds("probe_receipt", "From sending the last probe to the node's receipt.", _PROBE)
PROBE_END_TO_END = _seconds("probe_end_to_end", "From sending the last probe to its delivery to us.", _PROBE)
PROBE_BUDGET = _seconds("probe_budget", "What a probe may take from end to end.", _PROBE)
PROBES = _count("sent", "probes", "Probes sent.", _PROBE)
LOST_PROBES = _count(
    "lost", "probes", "Probes that did not come in time, though the node had confirmed them.", _PROBE
)
REFUSED_PROBES = _count("refused", "probes", "Probes that the node refused, or did not confirm in time.", _PROBE)
LATE_PROBES = _count("late", "probes", "Probes lost or refused that came after all.", _PROBE)
REPEATED_PROBES = _count("repeated", "probes", "Probes that came more than once.", _PROBE)
DISORDERED_PROBES = _count("out_of_order", "probes", "Probes that came after a later one.", _PROBE)
PUBLISHERS = _gauge("topic", "publishers", "Publishers of the topic, without the monitor.", _TOPIC)
VIEWERS = _gauge("topic", "consumers", "Consumers of the topic over all subscriptions, without the monitor.", _TOPIC)
TOPIC_IN = _gauge("topic_in", "messages_per_second", "Messages published to the topic in a second.", _TOPIC)
TOPIC_IN_BYTES = _gauge("topic_in", "bytes_per_second", "Bytes published to the topic in a second.", _TOPIC)
TOPIC_OUT = _gauge("topic_out", "messages_per_second", "Messages delivered from the topic in a second.", _TOPIC)
TOPIC_OUT_BYTES = _gauge("topic_out", "bytes_per_second", "Bytes delivered from the topic in a second.", _TOPIC)
STORAGE = _gauge("topic_storage", "bytes", "What the topic takes on the node's disk.", _TOPIC)
BACKLOG = _gauge("topic_backlog", "bytes", "The largest backlog of the topic's subscriptions.", _TOPIC)
BACKLOG_LIMIT = _gauge("topic_backlog_limit", "bytes", "The backlog quota; +Inf for none.", _TOPIC)
PARTITIONS = _gauge("topic", "partitions", "Partitions of the topic; 0 for one that has none.", _TOPIC)
SUBSCRIPTIONS = _gauge("topic", "subscriptions", "Subscriptions of the topic, without the monitor.", _TOPIC)
SUBSCRIPTION_BACKLOG = _gauge(
    "subscription_backlog", "messages", "Messages not acknowledged, of the 20 subscriptions with most.", _SUBSCRIPTION
)
SUBSCRIPTION_CONSUMERS = _gauge(
    "subscription", "consumers", "Consumers of the 20 subscriptions with the largest backlog.", _SUBSCRIPTION
)
STREAM_FPS = _gauge("stream_rate", "frames_per_second", "Frames of the stream that came in a second.", _TOPIC)
STREAM_BYTES = _gauge("stream_rate", "bytes_per_second", "Their JPEG bytes.", _TOPIC)
STREAM_AGE = _seconds("stream_age", "How old frames were when they came, in the last interval: p50, p95, p99.",
                      ("topic", "percentile"))  # fmt: skip
STREAM_SILENT = _seconds("stream_silent", "For how long no frame has come.", _TOPIC)

FAMILIES = tuple(value for value in list(globals().values()) if isinstance(value, Family))
