"""Return the event, as it was received."""


def handler(event, context):
    print("echo: one event")
    return event
