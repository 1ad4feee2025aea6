"""JPEGs as cameras give them."""

from __future__ import annotations

_DHT, _SOS = 0xC4, 0xDA  # markers of segments (ITU-T T.81, table B.1)


def without_huffman_tables(jpeg: bytes) -> bytes:
    """Return a JPEG without its Huffman tables, as Motion JPEG cameras may leave them out."""
    kept, at = jpeg[:2], 2
    while (marker := jpeg[at + 1]) != _SOS:
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4])
        kept += b"" if marker == _DHT else jpeg[at:end]
        at = end
    return kept + jpeg[at:]
