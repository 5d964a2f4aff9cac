"""The small core of the RveRNet companion: data, cut-outs, nets, runs and their record."""

__version__ = "0.1.0"

#: Raised by hand whenever the behaviour of code that decides results changes. Runs and pages made
#: under another number are stale.
PROTOCOL = 2
