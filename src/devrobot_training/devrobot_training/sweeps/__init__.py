"""Learning-rate sweeps: trials in processes of their own, in two phases."""
