"""A small shop, once in Flask and once in Django, a few of whose paths are Lambda functions."""
