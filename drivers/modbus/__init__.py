"""Modbus RTU: one bus, one file a device."""
