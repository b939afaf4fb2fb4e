"""The station's end of MQTT: connection, presence, drain, clock quality."""
