"""`station ports`: the table of names, the rules that follow from it, and adapters without a serial number."""

from __future__ import annotations

from station.cli.ports import Adapter, adapters_of, how_to_name, mistaken, rows_of, rules_of

DATABASE = """\
P: /devices/platform/xhci/usb1/1-1/1-1.2/1-1.2:1.0/ttyUSB0/tty/ttyUSB0
N: ttyUSB0
E: DEVNAME=/dev/ttyUSB0
E: SUBSYSTEM=tty
E: ID_BUS=usb
E: ID_VENDOR=FTDI
E: ID_MODEL=FT232R_USB_UART
E: ID_SERIAL_SHORT=AB0LMNOP
E: ID_PATH=platform-xhci-usb-0:1.2:1.0
E: ID_USB_INTERFACE_NUM=00

P: /devices/platform/xhci/usb1/1-1/1-1.3/1-1.3:1.0/ttyUSB1/tty/ttyUSB1
E: DEVNAME=/dev/ttyUSB1
E: ID_BUS=usb
E: ID_VENDOR=1a86
E: ID_MODEL=USB_Serial
E: ID_MODEL_FROM_DATABASE=CH340 serial converter
E: ID_PATH=platform-xhci-usb-0:1.3:1.0
E: ID_USB_INTERFACE_NUM=00

P: /devices/platform/soc/serial0
E: DEVNAME=/dev/ttyAMA0
E: SUBSYSTEM=tty

P: /devices/platform/xhci/usb1/1-1/1-1.4/input/input3/event3
E: DEVNAME=/dev/input/event3
E: ID_BUS=usb
E: ID_SERIAL_SHORT=S/N
E: ID_PATH=platform-xhci-usb-0:1.4:1.0
"""


def twin(port: str, interface: str = "00", path: str = "usb-0:1.1:1.0") -> Adapter:
    return Adapter(port, "0001", interface, path, "CP2102")


def test_only_usb_ports_that_a_bench_uses_are_listed_each_with_what_to_write() -> None:
    found = adapters_of(DATABASE)
    assert [adapter.port for adapter in found] == ["/dev/input/event3", "/dev/ttyUSB0", "/dev/ttyUSB1"]
    assert [how_to_name(adapter, found) for adapter in found[1:]] == ["AB0LMNOP", "path:platform-xhci-usb-0:1.3:1.0"]
    assert found[2].model == "1a86 CH340 serial converter"


def test_rules_name_a_port_by_serial_number_by_interface_or_by_socket() -> None:
    rows, wrong = rows_of("# names\nguard E66\nrs485-a  AB0:01  # second port\nrs485-b path:usb-0:1.2:1.0\n")
    assert not wrong
    _, _, guard, a, b = rules_of(rows).splitlines()
    assert guard.endswith('ENV{ID_SERIAL_SHORT}=="E66", SYMLINK+="bench-guard"')
    assert a.endswith('ENV{ID_SERIAL_SHORT}=="AB0", ENV{ID_USB_INTERFACE_NUM}=="01", SYMLINK+="bench-rs485-a"')
    assert b.endswith('ENV{ID_PATH}=="usb-0:1.2:1.0", SYMLINK+="bench-rs485-b"')


def test_lines_that_udev_could_read_as_something_else_are_refused() -> None:
    rows, wrong = rows_of('guard X", RUN+="/bin/sh\nGuard X\nguard A\nguard B\nlonely\n')
    assert [row.name for row in rows] == ["guard"]
    assert [line.split(":")[0] for line in wrong] == ["1", "2", "4", "5"]


def test_two_adapters_with_one_serial_number_are_refused_with_the_sockets_to_write_instead() -> None:
    rows, _ = rows_of("rs485-a 0001\n")
    both = [twin("/dev/ttyUSB0"), twin("/dev/ttyUSB1", path="usb-0:1.2:1.0")]
    (said,) = mistaken(rows, both)
    assert "/dev/ttyUSB0, /dev/ttyUSB1" in said and "path:usb-0:1.1:1.0 or path:usb-0:1.2:1.0" in said
    assert how_to_name(both[0], both) == "path:usb-0:1.1:1.0"


def test_an_adapter_of_two_ports_wants_the_interface() -> None:
    rows, _ = rows_of("rs485-a 0001\n")
    both = [twin("/dev/ttyUSB0"), twin("/dev/ttyUSB1", interface="01", path="usb-0:1.1:1.1")]
    (said,) = mistaken(rows, both)
    assert "write 0001:00 or 0001:01" in said
    assert how_to_name(both[1], both) == "0001:01"
    assert not list(mistaken(rows_of("rs485-a 0001:01")[0], both))
