"""Trials of an evaluation as datasets for other learners: LeRobot and HDF5."""
