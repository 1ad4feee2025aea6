"""The settings of a video node: Pulsar's configuration, its log, and the command that runs it.

Meanings of the keys: conf/standalone.conf and conf/bookkeeper.conf of the Pulsar distribution.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from .software.java import Java

# A frame of JSON carries a JPEG in base64: this lets through all that Pulsar's largest message (5 MiB) can be.
MAX_TEXT_FRAME_BYTES = 8_388_608

SETTINGS = {
    "webSocketMaxTextFrameSize": str(MAX_TEXT_FRAME_BYTES),
    # A client that lost its network keeps the name of its subscription from everyone until then. Ours send pings all
    # the time; Pulsar's own 5 minutes are for clients that do not.
    "webSocketSessionIdleTimeoutMillis": "60000",
    # What a durable subscription has acknowledged is known after a kill: by default it is noted every 10 s only.
    "managedLedgerDefaultMarkDeleteRateLimit": "60",
    # After a kill, a topic that deduplicates is read from its last snapshot on, 100 messages at a time, by two tasks
    # at once: over several reads the slower one can bring back old numbers, and a frame is stored that was there
    # already (apache/pulsar issue 25954). By default a snapshot is taken every 1000 messages.
    "brokerDeduplicationEntriesInterval": "50",
    # A topic that create-topic made is there until someone deletes it.
    "brokerDeleteInactiveTopicsEnabled": "false",
    # A durable subscription whose viewer never comes back loses its oldest frames, instead of stopping the camera
    # (Pulsar's own default) or filling the disk.
    "backlogQuotaDefaultLimitGB": "2",
    "backlogQuotaDefaultRetentionPolicy": "consumer_backlog_eviction",
    "backlogQuotaCheckIntervalInSeconds": "10",
    # Disk: space is freed by the ledger, so ledgers are short, and are looked at often.
    "managedLedgerMinLedgerRolloverTimeMinutes": "0",
    "managedLedgerMaxLedgerRolloverTimeMinutes": "1",
    "managedLedgerMaxEntriesPerLedger": "1000",
    "retentionCheckIntervalInSeconds": "15",
    # Disk: a file of entries is deleted when nothing in it is alive. A durable subscription's position is an entry
    # too, one in each file, so the few living entries are moved out of nearly dead files every minute.
    "logSizeLimit": "67108864",
    "gcWaitTime": "15000",
    "flushInterval": "5000",
    "minorCompactionInterval": "60",
    "minorCompactionThreshold": "0.3",
    # Disk: the journal is what makes an acknowledged frame survive a killed node; it need not be long.
    "journalWriteData": "true",
    "journalMaxSizeMB": "64",
    "journalMaxBackups": "1",
    "journalPreAllocSizeMB": "4",
    # Latency: a frame does not wait 1 ms in the journal for others to join it.
    "journalFlushWhenQueueEmpty": "true",
    # Memory: live frames are read once, right after they were written; by default these caches take 70 % of it.
    "managedLedgerCacheSizeMB": "32",
    "dbStorage_writeCacheMaxSizeMb": "32",
    "dbStorage_readAheadCacheMaxSizeMb": "16",
}

# Listens on this machine only. Without the interface, the store's own port would be open to the network.
LOOPBACK = {
    "bindAddress": "127.0.0.1",
    "advertisedAddress": "127.0.0.1",
    "listeningInterface": "lo0" if sys.platform == "darwin" else "lo",
    # Without this the port that java_command names for the store is left out.
    "allowEphemeralPorts": "true",
}

# Measured, see docs/node.md. A frame is a few objects of half a megabyte: the parallel collector handles them as any
# others, where G1 gives each a region of its own.
MEMORY = ("-XX:+UseParallelGC", "-Xms64m", "-Xmx320m", "-XX:MaxNewSize=96m", "-XX:MaxDirectMemorySize=192m")

LOG_FILE = "logs/pulsar.log"
_LOG_SETTINGS = f"""\
status = error
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = {LOG_FILE}
appender.file.filePattern = {LOG_FILE}.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{{ISO8601_OFFSET_DATE_TIME_HHMM}} [%t] %-5level %logger{{36}} - %msg%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 8MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.fileIndex = min
appender.file.strategy.max = 2
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
"""

_OPENED_PACKAGES = (
    "java.base/java.io",
    "java.base/java.nio",
    "java.base/java.util.zip",
    "java.base/jdk.internal.misc",
    "java.base/jdk.internal.platform",
    "java.management/sun.management",
    "jdk.management/com.sun.management.internal",
)
_METADATA_DRIVERS = "org.apache.pulsar.metadata.bookkeeper.PulsarMetadata"


def standalone_conf(template: str, values: Mapping[str, str]) -> str:
    """Return the distribution's standalone.conf with some values replaced, and those it does not have appended."""
    lines = []
    for line in template.splitlines():
        key = line.partition("=")[0].strip()
        lines.append(f"{key}={values[key]}" if key in values else line)
    present = {line.partition("=")[0] for line in lines}
    lines += [f"{key}={value}" for key, value in values.items() if key not in present]
    return "\n".join(lines) + "\n"


def write_settings(folder: Path, home: Path, http_port: int, broker_port: int) -> None:
    """Write what the node reads at its start into its folder."""
    ports = {"webServicePort": str(http_port), "brokerServicePort": str(broker_port)}
    template = (home / "conf" / "standalone.conf").read_text(encoding="utf-8")
    conf = standalone_conf(template, SETTINGS | LOOPBACK | ports)
    (folder / "standalone.conf").write_text(conf, encoding="utf-8")
    (folder / "log4j2.properties").write_text(_LOG_SETTINGS, encoding="utf-8")


def java_command(java: Java, home: Path, folder: Path, store_port: int, extra: Iterable[str] = ()) -> list[str]:
    """Return the command that runs the node, to be started in the node's folder, with extra options of Java.

    Paths of the node's data are relative to it, because RocksDB's addresses cannot hold a space; with
    ``--metadata-url`` Pulsar takes the relative one as it is. The store keeps the port of its first start.
    """
    opened = [word for package in _OPENED_PACKAGES for word in ("--add-opens", f"{package}=ALL-UNNAMED")]
    return [
        str(java.executable),
        *MEMORY,
        *extra,
        *opened,
        "--enable-native-access=ALL-UNNAMED",
        *(["--sun-misc-unsafe-memory-access=allow"] if java.version >= 23 else []),
        "-XX:+PerfDisableSharedMem",
        "-XX:ErrorFile=logs/java-error.log",
        marker(folder),
        f"-Djava.io.tmpdir={folder / 'tmp'}",
        "-Djava.net.preferIPv4Stack=true",
        "-Dlog4j2.configurationFile=log4j2.properties",
        "-Dlog4j2.is.webapp=false",
        "-Dlog4j.shutdownHookEnabled=false",
        "-Dpulsar.log.dir=logs",
        "-Dpulsar.allocator.exit_on_oom=true",
        "-Dio.netty.tryReflectionSetAccessible=true",
        f"-Dbookkeeper.metadata.bookie.drivers={_METADATA_DRIVERS}BookieDriver",
        f"-Dbookkeeper.metadata.client.drivers={_METADATA_DRIVERS}ClientDriver",
        "-Dpulsar.config.file=standalone.conf",
        "-cp",
        class_path(home),
        "org.apache.pulsar.PulsarStandaloneStarter",
        "--config=standalone.conf",
        "--metadata-dir=metadata",
        "--metadata-url=rocksdb:metadata",
        "--bookkeeper-dir=bookkeeper",
        f"--bookkeeper-port={store_port}",
        "--no-functions-worker",
        "--no-stream-storage",
    ]


def class_path(home: Path) -> str:
    """Return where Java finds the classes of a Pulsar distribution."""
    return f"{home / 'lib'}/*"


def marker(folder: Path) -> str:
    """Return the word of its command line by which a node's process is known again."""
    return f"-Dpulsar-cam.node={folder}"
