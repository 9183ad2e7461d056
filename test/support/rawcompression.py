"""Compressed packets on a raw connection, as they should be and as they should not.

    connection.login(..., capabilities=raw.DEFAULT_CAPABILITIES | CLIENT_COMPRESS)
    packed = PackedSocket.put_under(connection, Method.zlib)
    connection.query("SELECT 1")                 # as before, in compressed packets
    packed.send_raw(packet(b"...", 0, 100))      # whatever a test likes

Packet on the wire:   length (3 bytes) | sequence (1) | length before packing (3), 0: stored as it is | body

zlib is Python's own. Of zstd the library of the system unpacks; frames are written by hand (`zstd_frame`), because a
test wants them to say what it likes.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import enum
import socket
import zlib

from rawmysql import CLIENT_ZSTD_COMPRESSION, Connection

CLIENT_COMPRESS = 1 << 5
MAX_PACKABLE = 0xFFFFFF
ZSTD_MAX_BLOCK = 128 << 10
ZSTD_RAW, ZSTD_RUN = 0, 1


class Method(enum.Enum):
    zlib = CLIENT_COMPRESS
    zstd = CLIENT_ZSTD_COMPRESSION


def packet(body: bytes, sequence: int, plain_length: int = 0, length: int | None = None) -> bytes:
    """One compressed packet whose header says what it is told to."""
    return ((len(body) if length is None else length).to_bytes(3, "little") + bytes([sequence % 256])
            + plain_length.to_bytes(3, "little") + body)


def pack(method: Method, plain: bytes) -> bytes:
    return zlib.compress(plain) if method is Method.zlib else zstd_frame(plain)


def zstd_frame(plain: bytes, claimed: int | None = None, kind: int = ZSTD_RAW) -> bytes:
    """A frame of blocks that are stored, or, of kind ZSTD_RUN, the first byte over and over; RFC 8878.

    magic | descriptor (single segment, four bytes of size) | size of the content | blocks
    """
    frame = b"\x28\xb5\x2f\xfd\xa0" + (len(plain) if claimed is None else claimed).to_bytes(4, "little")
    for start in range(0, max(len(plain), 1), ZSTD_MAX_BLOCK):
        piece = plain[start:start + ZSTD_MAX_BLOCK]
        last = start + ZSTD_MAX_BLOCK >= len(plain)
        frame += (last | kind << 1 | len(piece) << 3).to_bytes(3, "little")
        frame += piece[:1] if kind == ZSTD_RUN else piece
    return frame


class PackedSocket:
    """Takes the place of a logged-in connection's socket. `sequence` is the number that the next packet must carry."""

    def __init__(self, stream: socket.socket, method: Method) -> None:
        self._stream = stream
        self._method = method
        self.sequence = 0
        self._received = bytearray()
        self._plain = bytearray()

    @classmethod
    def put_under(cls, connection: Connection, method: Method) -> PackedSocket:
        packed = cls(connection.stream, method)
        connection.stream = packed  # type: ignore[assignment]
        return packed

    def send_raw(self, data: bytes) -> None:
        self._stream.sendall(data)

    # What a Connection does with its socket

    def sendall(self, data: bytes) -> None:
        """The beginning of a command begins the numbers anew."""
        if data[3:4] == b"\0":
            self.sequence = 0
        for start in range(0, len(data), MAX_PACKABLE):
            plain = data[start:start + MAX_PACKABLE]
            body = pack(self._method, plain)
            self._stream.sendall(packet(body, self.sequence, len(plain)))
            self.sequence = (self.sequence + 1) % 256

    def recv(self, size: int) -> bytes:
        while not self._plain:
            packet_size = 7 + int.from_bytes(self._received[:3], "little")
            if len(self._received) < 7 or len(self._received) < packet_size:
                data = self._stream.recv(1 << 16)
                if not data:
                    return b""
                self._received += data
                continue
            self._take(bytes(self._received[:packet_size]))
            del self._received[:packet_size]
        taken = bytes(self._plain[:size])
        del self._plain[:size]
        return taken

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def _take(self, data: bytes) -> None:
        self.sequence = (data[3] + 1) % 256
        plain_length = int.from_bytes(data[4:7], "little")
        body = data[7:]
        if plain_length == 0:
            self._plain += body
        elif self._method is Method.zlib:
            self._plain += zlib.decompress(body)
        else:
            self._plain += _unpack_zstd(body, plain_length)


def _unpack_zstd(body: bytes, size: int) -> bytes:
    library = ctypes.CDLL(ctypes.util.find_library("zstd"))
    library.ZSTD_decompress.restype = ctypes.c_size_t
    room = ctypes.create_string_buffer(size)
    written = library.ZSTD_decompress(room, ctypes.c_size_t(size), body, ctypes.c_size_t(len(body)))
    if written != size:
        raise ValueError("not what its header says")
    return room.raw
