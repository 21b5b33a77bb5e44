"""Puts a face back into the plate: mask, colour, blend, sharpen."""
