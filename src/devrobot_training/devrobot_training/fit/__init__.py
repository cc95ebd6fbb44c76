"""The training loop: data in, weights, events and files out."""
