"""A small shop in Flask and in Django; some of its paths are Lambda functions."""
