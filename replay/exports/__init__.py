"""One file a format; what they share stands beside them."""
