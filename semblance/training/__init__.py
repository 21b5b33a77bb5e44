"""The one training loop, its preview, its guard against NaN."""
