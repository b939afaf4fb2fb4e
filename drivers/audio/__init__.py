"""Audio devices; synchronous, opened in the sound process only."""
