"""What a scrape gets."""

from __future__ import annotations

import re

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from pulsar_cam.metrics.collector import registry_of
from pulsar_cam.metrics.families import FAMILIES
from pulsar_cam.metrics.publisher import publisher_readings

from ..lab.promtool import promtool
from .runs import TOPIC, published


def test_the_build_says_which_version_runs(registry: CollectorRegistry) -> None:
    text = generate_latest(registry).decode()
    assert re.search(r'^pulsar_cam_build_info{python="3\.\d+\.\d+\w*",version=".+"} 1.0$', text, re.MULTILINE)


def test_all_of_it_is_openmetrics_with_one_help_for_each_family(registry: CollectorRegistry) -> None:
    text: str = openmetrics.generate_latest(registry).decode()  # type: ignore[no-untyped-call]
    read = {family.name: family for family in text_string_to_metric_families(text)}  # type: ignore[no-untyped-call]
    for family in FAMILIES:
        shown = read[f"pulsar_cam_{family.name}"]
        assert (shown.documentation, shown.type, shown.unit) == (family.help, family.kind, family.unit)
    assert read["process_resident_memory_bytes"].samples


def test_promtool_has_nothing_to_say(registry: CollectorRegistry) -> None:
    assert promtool("check", "metrics", read=generate_latest(registry)) == ""


def test_nothing_is_registered_for_the_whole_process() -> None:
    from prometheus_client import REGISTRY

    before = {each.name for each in REGISTRY.collect()}
    registry_of(publisher_readings(published(), TOPIC))
    assert {each.name for each in REGISTRY.collect()} == before
    assert not [name for name in before if name.startswith("pulsar_cam")]
