"""The simulated table, robots and cameras: the only part of the package that imports MuJoCo."""
