"""Documents as they are stored: canonical JSON under zstd, re-encoded from the typed object."""

import threading

import zstandard

_LEVEL = 3
_LARGEST = 64 * 1024 * 1024
_local = threading.local()  # a zstd context serves one thread at a time


def pack(text: bytes) -> bytes:
    """Compress one document."""
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(level=_LEVEL)
    packed: bytes = _local.compressor.compress(text)
    return packed


def unpack(document: bytes) -> bytes:
    """The canonical JSON of one document."""
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor()
    text: bytes = _local.decompressor.decompress(document, max_output_size=_LARGEST)
    return text
