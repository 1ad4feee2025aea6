"""Opening a source by its address: a camera, a video file, a stream at a URL, or the test pattern."""

from __future__ import annotations

import logging
import socket
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from urllib.request import url2pathname

from ..errors import InvalidOption, SourceUnreadable
from ..pictures.opencv import cv2
from .capture import MJPG, PATIENCE_S, Capture, FilmSource, LiveSource
from .devices import open_device
from .pattern import PatternSource
from .source import Source

logger = logging.getLogger(__name__)

_MIN_SIDE, _MAX_SIDE = 16, 7680
_MAX_FPS = 240.0
TIMEOUT_S = PATIENCE_S - 1  # a stream that is silent ends its read before the read counts as stuck
_CONVERT = "convert it, such as with: ffmpeg -i FILE converted.mp4"
_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


def open_source(
    uri: str,
    *,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
    loop: bool = False,
    keep_jpeg: bool = False,
) -> Source:
    """Open a source.

    Args:
        uri: a camera's number ("0") or path ("/dev/video0"), "test-pattern:", a video file's path or file: URL,
            or an rtsp:, rtsps:, http: or https: URL.
        size: (width, height) in pixels of the frames, 16 to 7680 each; None for the source's own, which for a
            camera and the test pattern is 1280x720.
        fps: frames per second, up to 240; None, or more than the source has, for the source's own.
        loop: start a film over at its end.
        keep_jpeg: give JPEGs that a camera, a Motion JPEG film or stream has already as packets, if they have the
            wanted size.

    Raises:
        InvalidOption: a size, rate or URL that cannot be.
        DeviceNotFound: no such camera, or it cannot be opened.
        SourceUnreadable: the file or the address gives no video.
    """
    _check_size(size)
    _check_fps(fps)
    if uri in ("test-pattern", "test-pattern:"):
        return PatternSource(size or (1280, 720), fps or 30.0)
    if (uri.isascii() and uri.isdecimal()) or uri.startswith("/dev/"):
        return open_device(uri, size=size, fps=fps, keep_jpeg=keep_jpeg)
    if uri.startswith("file:"):
        return _open_file(_path_of(uri), size, fps, loop, keep_jpeg)
    if "://" in uri:
        return _open_url(uri, size, fps, loop, keep_jpeg)
    if not uri:
        raise InvalidOption("uri", "''", "give a camera number, a file, a URL or test-pattern:")
    return _open_file(Path(uri), size, fps, loop, keep_jpeg)


def _check_size(size: tuple[int, int] | None) -> None:
    if size and not all(_MIN_SIDE <= side <= _MAX_SIDE for side in size):
        expected = f"expected {_MIN_SIDE} to {_MAX_SIDE} pixels a side, such as 1280x720"
        raise InvalidOption("size", "x".join(map(str, size)), expected)


def _check_fps(fps: float | None) -> None:
    if fps is not None and not 0 < fps <= _MAX_FPS:
        raise InvalidOption("fps", fps, f"expected more than 0 and at most {_MAX_FPS:g}")


def _printable(name: str) -> str:
    return "".join(c if c.isprintable() else "_" for c in name[:100])


def _open_file(
    path: Path, size: tuple[int, int] | None, fps: float | None, loop: bool, keep_jpeg: bool
) -> FilmSource:
    shown = _printable(str(path))
    found = _file_problem(path)
    if found:
        raise SourceUnreadable(shown, *found)
    # Absolute, because FFmpeg takes a name with a colon in it for an address.
    location = str(path.absolute())
    video = cv2.VideoCapture(location, cv2.CAP_FFMPEG)
    if not video.isOpened():
        raise SourceUnreadable(shown, "it is not a video that OpenCV can read, or it is damaged", _CONVERT)
    if not video.grab():
        raise SourceUnreadable(shown, "there is not one frame in it", _CONVERT)
    video.open(location, cv2.CAP_FFMPEG)
    capture = Capture(video, size, keep_jpeg=keep_jpeg and _gives_jpegs(video))
    return FilmSource(capture, _printable(path.stem), fps=fps, loop=loop)


def _gives_jpegs(video: cv2.VideoCapture) -> bool:
    """Have a Motion JPEG video give its JPEGs instead of frames, and return whether it is one."""
    return int(video.get(cv2.CAP_PROP_FOURCC)) == MJPG and video.set(cv2.CAP_PROP_FORMAT, -1)


def _file_problem(path: Path) -> tuple[str, str] | None:
    """Return what keeps the file from being read, and what to do; None if it can be."""
    try:
        # OpenCV ends the process when a name has bytes in it that are not UTF-8.
        str(path.absolute()).encode()
        if path.is_dir():
            return "it is a directory", "name a file in it"
        if path.exists() and not path.is_file():
            return "it is not a regular file", "name a video file"
        with path.open("rb") as file:
            return None if file.read(1) else ("the file is empty", "choose another one")
    except FileNotFoundError:
        return "there is no such file", "check its path"
    except PermissionError:
        return "permission denied", "get the right to read it"
    except OSError as error:
        return str(error.strerror), "check its path"
    except ValueError:
        return "OpenCV cannot open a file of such a name", "rename it"


def _path_of(uri: str) -> Path:
    return Path(url2pathname(urlsplit(uri).path))


def _open_url(uri: str, size: tuple[int, int] | None, fps: float | None, loop: bool, keep_jpeg: bool) -> Source:
    parts, port = _checked_url(uri)
    host = _printable(parts.hostname or "")
    # What else a URL has can be secret: user and password, but path and query as well.
    shown = f"{parts.scheme}://{host}:{port}"
    milliseconds = round(TIMEOUT_S * 1000)
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, milliseconds, cv2.CAP_PROP_READ_TIMEOUT_MSEC, milliseconds]
    video = cv2.VideoCapture(uri, cv2.CAP_FFMPEG, limits)
    if not video.isOpened():
        raise SourceUnreadable(shown, *_connection_problem(parts.hostname or "", port))
    is_film = video.get(cv2.CAP_PROP_FRAME_COUNT) > 0
    logger.info("%s opened as a %s", shown, "film" if is_film else "live stream")
    capture = Capture(video, size, keep_jpeg=keep_jpeg and _gives_jpegs(video))
    if is_film:
        return FilmSource(capture, host, fps=fps, loop=loop)
    # FFmpeg has waited its time-out already when a read fails.
    return LiveSource(capture, host, ends=True, fps=fps)


def _checked_url(uri: str) -> tuple[SplitResult, int]:
    scheme = uri.partition("://")[0].lower()
    if scheme not in _PORTS or not uri.isprintable():
        raise InvalidOption("uri", _printable(f"{scheme}://..."), f"a URL begins with {', '.join(_PORTS)}")
    try:
        parts = urlsplit(uri)
        # An unescaped slash in a password moves the host into the path, and the password into the port.
        if parts.hostname and "@" not in uri.replace(parts.netloc, "", 1):
            return parts, parts.port or _PORTS[scheme]
    except ValueError:
        pass
    expected = "not a valid URL; write / ? # @ in a user name, password or path as %2F %3F %23 %40"
    raise InvalidOption("uri", f"{scheme}://...", expected)


def _connection_problem(host: str, port: int) -> tuple[str, str]:
    """Return why a URL could not be opened, which FFmpeg keeps to itself, and what to do."""
    try:
        socket.create_connection((host, port), TIMEOUT_S).close()
    except TimeoutError:
        return f"nothing answers within {TIMEOUT_S:g} s", "check the address and the network"
    except OSError as error:
        return error.strerror or str(error), "check the address, and that its server runs"
    except UnicodeError:
        return "that is not a host name", "check the spelling"
    return "it answers, but gives no video", "check path, user and password"
