"""The frames of the guard line: `BODY*CCCC\n` (contracts/guard-line.md). Pure; no meaning of a body lives here."""

BODY_MAX = 120  # from the host; the guard's own bodies stay below 240 by construction
_LINE_MAX = BODY_MAX + 6  # '*', four digits, a tolerated '\r'


def _table():
    rows = []
    for index in range(256):
        crc = index << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
        rows.append(crc & 0xFFFF)
    return tuple(rows)


_TABLE = _table()


def crc16(data):
    """CRC-16/CCITT-FALSE of bytes; `123456789` gives 0x29B1."""
    table = _TABLE
    crc = 0xFFFF
    for byte in data:
        crc = ((crc & 0xFF) << 8) ^ table[(crc >> 8) ^ byte]
    return crc


def encode(body):
    """The frame of a body (str, printable ASCII), as bytes with its newline."""
    raw = body.encode()
    return raw + b"*%04X\n" % crc16(raw)


def decode(line):
    """The body (str) of a line without its newline, or None if it is no frame from a host."""
    size = len(line)
    if size and line[size - 1] == 13:
        size -= 1
    star = size - 5
    if star < 0 or star > BODY_MAX or line[star] != 42:
        return None
    for index in range(size):
        byte = line[index]
        if byte < 0x20 or byte > 0x7E or (byte == 42 and index != star):
            return None
    body = bytes(line[:star])
    if bytes(line[star + 1 : size]) != b"%04X" % crc16(body):
        return None
    return body.decode()


class LineReader:
    """Bytes in, lines out. A line that is too long is thrown away up to its newline and told as one bad line."""

    def __init__(self):
        self._line = bytearray(_LINE_MAX)
        self._size = 0
        self._spilt = False

    def feed(self, byte):
        """None while the line goes on; at its end the body (str), or False for a line that is no frame."""
        if byte == 10:
            size, spilt = self._size, self._spilt
            self._size, self._spilt = 0, False
            body = None if spilt else decode(memoryview(self._line)[:size])
            return False if body is None else body
        if self._size < _LINE_MAX:
            self._line[self._size] = byte
            self._size += 1
        else:
            self._spilt = True
        return None
