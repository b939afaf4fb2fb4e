"""From plan to record: the runner, and the session from button to verdict."""
