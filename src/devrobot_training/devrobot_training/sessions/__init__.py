"""Sessions: what a bag says about frames and actions, ready for training."""
