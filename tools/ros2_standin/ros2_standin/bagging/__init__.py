"""Bags: files, metadata, recording and playing."""
