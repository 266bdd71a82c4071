"""Return the event unchanged."""


def handler(event, context):
    print("echo: one event")
    return event
