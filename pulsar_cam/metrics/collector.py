"""The Prometheus collector: has everything read at the time of a scrape, and puts it together by family."""

from __future__ import annotations

import functools
import platform
from collections.abc import Iterable, Iterator
from importlib import metadata

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from ..measure.stages import BUCKETS_S
from . import families
from .family import PREFIX, Family, Histogram, Readings, Sample

_BOUNDS = (*map(floatToGoString, BUCKETS_S), "+Inf")


class Metrics(Collector):
    """Metrics of one or more publishers, viewers or monitors in this process."""

    def __init__(self, *readings: Readings) -> None:
        self._readings = (_build, *readings)

    def describe(self) -> Iterable[Metric]:
        """Return all families without values, by which a scrape can ask for some of them."""
        return map(_empty, families.FAMILIES)

    def collect(self) -> Iterable[Metric]:
        """Read everything now."""
        metrics: dict[Family, Metric] = {}
        for read in self._readings:
            for sample in read():
                family = sample.family
                if family not in metrics:
                    metrics[family] = _empty(family)
                _add(metrics[family], sample)
        return metrics.values()


def registry_of(*readings: Readings) -> CollectorRegistry:
    """Return a registry with these, and with what the operating system knows about this process."""
    registry = CollectorRegistry()
    registry.register(Metrics(*readings))
    ProcessCollector(registry=registry)
    return registry


def _build() -> Iterator[Sample]:
    yield Sample(families.BUILD, (_version(), platform.python_version()), 1)


@functools.cache
def _version() -> str:
    try:
        return metadata.version("pulsar-cam")
    except metadata.PackageNotFoundError:  # run from a clone, without having been installed
        return "unknown"


def _empty(family: Family) -> Metric:
    return Metric(PREFIX + family.name, family.help, family.kind, family.unit)


def _add(metric: Metric, sample: Sample) -> None:
    labels = dict(zip(sample.family.labels, sample.labels, strict=True))
    if isinstance(sample.value, Histogram):
        _add_histogram(metric, labels, sample.value)
    else:
        metric.add_sample(sample.family.full_name, labels, float(sample.value))


def _add_histogram(metric: Metric, labels: dict[str, str], histogram: Histogram) -> None:
    for bound, count in zip(_BOUNDS, histogram.cumulative, strict=True):
        metric.add_sample(f"{metric.name}_bucket", labels | {"le": bound}, count)
    metric.add_sample(f"{metric.name}_count", labels, histogram.cumulative[-1])
    metric.add_sample(f"{metric.name}_sum", labels, histogram.total_s)
