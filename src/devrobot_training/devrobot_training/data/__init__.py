"""From sessions to batches: frames once, canvases as indices."""
