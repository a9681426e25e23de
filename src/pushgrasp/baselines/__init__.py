"""Policies that learn nothing, to compare with."""
