"""The station's end of the line for rp2040_board.py, in the same process and the same virtual time (MicroPython)."""

# ruff: noqa: UP031 (MicroPython)

from guard_frame import LineReader, encode

SESSION = "5e550001"


class Host:
    """A station that wants K or H whenever it can, talks, falls silent, floods, and stops reading."""

    def __init__(self, board, nasty):
        self.board, self.nasty = board, nasty
        self.incoming = bytearray(8192)
        self.first = self.end = 0
        self.fifo = 0  # bytes that wait in the USB stack
        self.line = b""
        self.reader = LineReader()
        self.state, self.nonce, self.seq = "", "", 0
        self.quiet_ms = self.deaf_ms = self.age_ms = 0
        self.lines = 0

    def say(self, verb):
        self.seq += 1
        self.put(encode("%s %d %s" % (SESSION, self.seq, verb)))

    def put(self, data):
        if self.first == self.end:
            self.first = self.end = 0
        if self.end + len(data) <= len(self.incoming):
            self.incoming[self.end : self.end + len(data)] = data
            self.end += len(data)

    def take(self):
        byte = self.incoming[self.first]
        self.first += 1
        body = self.reader.feed(byte)
        if body:
            self.board.heard(body)
        return bytes((byte,))

    def hear(self, data):
        self.line += data
        if data == b"\n":
            text, self.line = self.line.decode(), b""
            self.lines += 1
            if " OK HELLO " in text:
                self.nonce = text.split("nonce=")[1][:8]
            elif text.startswith("S state="):
                self.state = text[8:].split(" ")[0]

    def millisecond(self):
        board = self.board
        self.age_ms += 1
        self.quiet_ms -= self.quiet_ms > 0
        self.deaf_ms -= self.deaf_ms > 0
        if not self.deaf_ms:
            self.fifo = max(0, self.fifo - 64)
        if not board.live or self.quiet_ms:
            return
        if self.age_ms % 50 == 0:
            self.say("HB")
        if self.age_ms % 40 == 7:
            self.want()
        if not self.nasty:
            return
        luck = board.random(5000)
        if luck == 0:
            self.quiet_ms = (100, 290, 305, 600)[board.random(4)]
        elif luck == 1:
            self.deaf_ms = 200 + board.random(800)
        elif luck == 2:
            for _ in range(30):
                self.say("STAT")
        elif luck < 6:
            self.put(bytes([board.random(256) for _ in range(board.random(300))]))
        elif luck == 6:
            self.say("HELLO")
        elif luck == 7:
            self.say("OFF")

    def want(self):
        if not self.nonce:
            self.say("HELLO")
        elif self.state == "TRIPPED":
            self.say("RESET")
        elif self.state == "SAFE" and self.board.random(2):
            if self.board.random(2):
                self.say("UNLOCK")
            self.say("ARM " + self.nonce)
            self.say("ON %d" % (1 + self.board.random(2)))
        elif self.state == "SAFE":
            self.say("HV %s:1" % self.nonce)
