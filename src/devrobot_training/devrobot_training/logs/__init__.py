"""What is written down during a training, and what it tells afterwards."""
