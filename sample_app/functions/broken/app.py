"""Fail, as a function with a bug does."""


def handler(event, context):
    print("broken: about to fail")
    stock = {}
    return stock["mug"]
