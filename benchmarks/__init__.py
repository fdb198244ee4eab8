"""Measures, each beside a peer or a limit in the same run. The ratio counts: the machine is shared and noisy."""
