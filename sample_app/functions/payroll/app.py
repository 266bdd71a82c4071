"""Nothing the shop's web app may invoke: its user's policy leaves this function out."""


def handler(event, context):
    print("payroll: this must not run")
    return {"secret": "what everybody earns"}
