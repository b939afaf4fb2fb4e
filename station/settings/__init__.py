"""Load and check configuration. The only room besides contract that knows pydantic."""
