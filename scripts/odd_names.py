"""Try calls for many odd names of subscriptions and topics on a real node: ``python -m scripts.odd_names [NAMES]``.

Prints each call that touched another subscription or topic than the one it named, and the number of them, which is
also why it fails.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from pulsar_cam.node import LocalNode, NodeState
from tests.lab.odd_names import native_client, odd_names, touched_subscriptions, touched_topics
from tests.lab.streams import endpoint_of


async def touched(node: NodeState, count: int, seed: int) -> list[str]:
    """Return what calls for these names have touched that they did not name."""
    endpoint, found = endpoint_of(node), list[str]()
    with native_client(node.broker_url) as client:
        for number, name in enumerate(odd_names(seed, count), 1):
            found += await touched_subscriptions(endpoint, client, name)
            found += await touched_topics(endpoint, name)
            if number % 50 == 0:
                print(f"{number} names, {len(found)} calls that touched another", flush=True)
    return found


def main(count: int) -> int:
    """Run on a node of its own, which is stopped at the end."""
    seed = int(time.time())
    with tempfile.TemporaryDirectory() as folder:
        node = LocalNode("odd-names", Path(folder))
        try:
            found = asyncio.run(touched(node.start(0, 0), count, seed))
        finally:
            node.stop()
    print(*found, f"{count} names (seed {seed}): {len(found)} calls that touched another", sep="\n")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 500))
