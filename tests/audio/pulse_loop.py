"""A real PulseAudio with null sinks, as a process of its own: what is played there is heard on the sink's monitor.

PortAudio reaches it through ALSA's pulse plugin, with an ALSA configuration that knows nothing else. PulseAudio keeps
no file outside its folder and is ended by its pid. This is a real PortAudio and a real sound server; it is no card.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

START_S = 20.0
SINKS: Mapping[str, str] = {"float": "float32le", "s32": "s32le", "s16": "s16le"}
"""Null sinks by name: the format of their samples."""
MISSING = "no PulseAudio, ALSA plugin or PortAudio: apt install pulseaudio libasound2-plugins libportaudio2"

ALSA_LOOP = """
pcm.bench-{name} {{
    type asym
    playback.pcm {{ type pulse server "unix:{socket}" device "{name}" handle_underrun 1 }}
    capture.pcm {{ type pulse server "unix:{socket}" device "{name}.monitor" }}
}}
"""
ALSA_DEFAULT = """
pcm.default { type null }
"""  # PortAudio 19.6 aborts where it finds neither this nor "dmix" (BuildDeviceList)


class PulseLoop:
    """The running server: its pid, what a client's environment needs, and sinks that can be taken away."""

    def __init__(self, folder: Path, server: subprocess.Popen[bytes]) -> None:
        self._socket = folder / "native"
        self._server = server
        self.environment = {
            "ALSA_CONFIG_PATH": str(folder / "asound.conf"),
            "PULSE_COOKIE": str(folder / "cookie"),
            "PULSE_SERVER": f"unix:{self._socket}",
        }

    @property
    def pid(self) -> int:
        return self._server.pid

    def unplug(self, sink: str) -> None:
        """Take a sink and its monitor away, as a USB plug would."""
        self._control("unload-module", self._modules()[sink])

    def plug(self, sink: str) -> None:
        """Put a sink there, where it is not."""
        if sink not in self._modules():
            self._control("load-module", "module-null-sink", *_sink(sink))

    def _modules(self) -> dict[str, str]:
        rows = [line.split("\t") for line in self._control("list", "short", "modules").splitlines()]
        return {row[2].split("sink_name=")[1].split()[0]: row[0] for row in rows if row[1] == "module-null-sink"}

    def _control(self, *words: str) -> str:
        environment = {**os.environ, **self.environment}
        return subprocess.run(
            ["pactl", *words], env=environment, check=True, capture_output=True, text=True, timeout=START_S
        ).stdout


def is_possible() -> bool:
    """Whether server, plugin and PortAudio are installed."""
    plugin = any(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so"))
    portaudio = any(Path("/usr/lib").glob("*/libportaudio.so.2"))
    return shutil.which("pulseaudio") is not None and plugin and portaudio


@contextmanager
def pulse_loop(folder: Path, sinks: Sequence[str] = tuple(SINKS)) -> Iterator[PulseLoop]:
    """Start the server in an empty folder, and end it. Raises `TimeoutError` with its last words."""
    (folder / "asound.conf").write_text(
        ALSA_DEFAULT + "".join(ALSA_LOOP.format(name=name, socket=folder / "native") for name in sinks),
        encoding="utf-8",
    )
    script = [f"load-module module-native-protocol-unix socket={folder / 'native'} auth-anonymous=1"]
    script += [" ".join(("load-module module-null-sink", *_sink(name))) for name in sinks]
    (folder / "start.pa").write_text("\n".join((*script, "")), encoding="utf-8")
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            ["pulseaudio", "-n", "-F", str(folder / "start.pa"), "--daemonize=no", "--use-pid-file=no",
             "--exit-idle-time=-1", "--disallow-exit=no", "--high-priority=no", "--realtime=no", "--log-target=stderr"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder),
                 "PULSE_RUNTIME_PATH": str(folder), "PULSE_STATE_PATH": str(folder)},
        )  # fmt: skip
    loop = PulseLoop(folder, server)
    try:
        deadline = time.monotonic() + START_S
        while not _answers(loop, sinks):
            if server.poll() is not None or time.monotonic() > deadline:
                raise TimeoutError(f"PulseAudio did not start: {(folder / 'log').read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        yield loop
    finally:
        server.terminate()
        try:
            server.wait(5.0)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _sink(name: str) -> tuple[str, ...]:
    return f"sink_name={name}", "rate=48000", "channels=2", f"format={SINKS.get(name, 'float32le')}", "norewinds=1"


def _answers(loop: PulseLoop, sinks: Sequence[str]) -> bool:
    try:
        return set(sinks) <= set(loop._modules())
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return False
