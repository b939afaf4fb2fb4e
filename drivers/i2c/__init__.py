"""Devices on an I2C bus of the Pi."""
