"""Raised whenever any pixel or any category changes; part of a corpus's fingerprint."""

THINGS_VERSION = 1
