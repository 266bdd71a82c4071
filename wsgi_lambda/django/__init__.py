"""Lambda functions as views of a Django project, and functions called from its code.

::

    INSTALLED_APPS += ["wsgi_lambda.django"]
    MIDDLEWARE = [..., "wsgi_lambda.django.middleware.LambdaFunctionsMiddleware", ...]

    urlpatterns = [
        path("pay/<int:order_id>/", login_required(require_POST(lambda_view("pay")))),
        path("", include("wsgi_lambda.django.urls")),
    ]

    functions["pay"].invoke({"order": 7}).json

The settings are read at the first use, never at import.
"""

from wsgi_lambda.django.exchange import keep_body
from wsgi_lambda.django.views import LambdaView, functions, lambda_view

__all__ = ["LambdaView", "functions", "keep_body", "lambda_view"]
