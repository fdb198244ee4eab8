"""What can happen on a desk: facts, what they add up to, and which commands are allowed. Pure."""
