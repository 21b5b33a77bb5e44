"""Clip -> faceset on disk -> batches: extract, store, curate, augment."""
