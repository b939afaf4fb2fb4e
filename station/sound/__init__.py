"""The sound process: audio device and analysis together, so that neither frames nor numpy enter the daemon."""
