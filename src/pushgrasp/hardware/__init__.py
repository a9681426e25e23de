"""Real robots: one file for each device, a station file that names them, calibration, rehearsal.

Nothing here is imported unless a station is used. Each driver needs an extra and says which pip
command installs it. `docs/hardware.md` leads from unpacking to the first grasp.
"""
