"""``python -m pulsar_cam``, and the ``pulsar-cam`` command."""

from __future__ import annotations

import sys

INTERRUPTED = 130


def main() -> None:
    """Run the command line; a Ctrl-C while its modules are still being loaded ends it as quietly as later."""
    try:
        from .cli import run

        status = run()
    except KeyboardInterrupt:
        status = INTERRUPTED
    # CPython remembers an interrupt that came within exec(), as dataclasses use at import, and would end us by that
    # signal in spite of the exit code, even if typer answered it; it forgets it with the next exec().
    exec("")  # noqa: S102 - nothing is run
    sys.exit(status)


if __name__ == "__main__":
    main()
