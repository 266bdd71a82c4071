"""Raise an exception, like a function with a bug."""


def handler(event, context):
    print("broken: about to fail")
    stock = {}
    return stock["mug"]
