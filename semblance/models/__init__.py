"""One file per published system; the prefix is its kind. Found by file name, without importing torch."""
