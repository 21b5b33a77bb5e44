"""The last writer of every output: nothing leaves unlabelled."""
