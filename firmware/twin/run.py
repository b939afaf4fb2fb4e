"""Start the guard's main.py, as it is, on the simulated board: `run.py PINS_IN PINS_OUT [SETTINGS_DIRECTORY]`.

Standard input and output are the USB serial line. Under CPython the few names that MicroPython has and CPython lacks
are put in place first; main.py and the core are the same bytes in both.
"""

import sys

_HERE = __file__.rsplit("/", 1)[0]
sys.path.insert(0, _HERE)

if sys.implementation.name != "micropython":
    import time

    class _MicroPython:
        @staticmethod
        def kbd_intr(character):
            pass

    class _Console:
        def __init__(self, descriptor, mode):
            self.buffer = open(descriptor, mode, buffering=0)

        def fileno(self):
            return self.buffer.fileno()

    sys.dont_write_bytecode = True
    sys.modules["micropython"] = _MicroPython
    sys.stdin, sys.stdout = _Console(0, "rb"), _Console(1, "wb")
    time.ticks_ms = lambda: time.monotonic_ns() // 1000000

import twin_board

sys.modules["machine"] = twin_board
sys.modules["select"] = twin_board.Select
sys.path.insert(0, _HERE.rsplit("/", 1)[0] + "/guard")
if len(sys.argv) > 3:
    sys.path.insert(0, sys.argv[3])

import main

main.run()
