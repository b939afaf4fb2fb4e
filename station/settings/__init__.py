"""Configuration: read, checked, resolved, frozen. Everything that a maintainer can get wrong is said at once, by line.

Which steps and drivers exist is told by the catalogues that `cli` and `daemon` hand in. No hardware is touched.
"""

from station.settings.loading import check, load
from station.settings.problem import InvalidTree, Problem
from station.settings.tree import DeviceSettings, StationSettings, Tree

__all__ = ["DeviceSettings", "InvalidTree", "Problem", "StationSettings", "Tree", "check", "load"]
