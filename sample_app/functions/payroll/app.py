"""A function that the shop's user may invoke only with an assumed role."""


def handler(event, context):
    print("payroll: one request")
    return {"earned": {"ada": 3100, "grace": 3300}, "event": event}
