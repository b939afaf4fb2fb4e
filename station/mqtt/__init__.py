"""One connection to a broker, for both ends: the only room that knows paho. Knows no topic and no message."""
