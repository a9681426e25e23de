"""Controllers that speak a robot's own protocol on the loopback, with the simulator behind them.

The drivers and the makers' client libraries under test are exactly those that a real robot gets.
"""
