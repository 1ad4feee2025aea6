"""The common way: Pulsar's native client, one blocking send per frame, decoded on receipt; and its async send."""

from __future__ import annotations

import pulsar

from ..frames import Camera, jpeg_of
from ..meter import Meter
from ..plan import Job

_CAPTURED = "captured-at-ns"


def publish(camera: Camera, job: Job, port: int) -> None:
    """Encode and send each frame, and wait for Pulsar's receipt before the next."""
    client = _client(job)
    producer = client.create_producer(job.topic, batching_enabled=False)
    while shot := camera.read():
        producer.send(jpeg_of(shot.image), properties={_CAPTURED: str(shot.captured_at_ns)})
    client.close()


def publish_async(camera: Camera, job: Job, port: int) -> None:
    """Encode and send each frame without waiting."""
    client = _client(job)
    producer = client.create_producer(job.topic, batching_enabled=False)
    while shot := camera.read():
        producer.send_async(
            jpeg_of(shot.image),
            lambda result, message_id: None,
            properties={_CAPTURED: str(shot.captured_at_ns)},
        )
    camera.end()
    producer.flush()
    client.close()


def watch(meter: Meter, job: Job) -> None:
    """Receive, decode and acknowledge, one message after the other."""
    consumer = _client(job).subscribe(job.topic, "viewer")
    meter.listening(0)
    while True:
        message = consumer.receive()
        meter.decode(message.data(), int(message.properties()[_CAPTURED]))
        consumer.acknowledge(message)


def _client(job: Job) -> pulsar.Client:
    return pulsar.Client(job.broker_url, logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error))
