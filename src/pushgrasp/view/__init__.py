"""Pictures, videos, recordings, curves and reports: read-only consumers of steps and results."""
