"""The shop's own pages."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from sample_app.operations import last_invocations, metrics_page
from sample_app.settings import shown_configuration

log = logging.getLogger(__name__)


def framework(request: HttpRequest) -> dict[str, str]:
    return {"framework": "Django"}


class MembersOnly:
    """Send everybody who is not logged in from a Lambda route to the login."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, *_: Any) -> HttpResponse | None:
        if view.__module__ == "wsgi_lambda.django.urls" and not request.user.is_authenticated:
            return redirect_to_login(request.path)
        return None


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    shown = shown_configuration(settings.AROUND, "settings.AROUND")
    return render(request, "home.html", {"configuration": shown})


@require_safe
def about(request: HttpRequest) -> HttpResponse:
    return render(request, "about.html")


@require_safe
def chat(request: HttpRequest) -> HttpResponse:
    return render(request, "chat.html")


@require_safe
def prices(request: HttpRequest) -> HttpResponse:
    return render(request, "prices.html")


@require_safe
def operations(request: HttpRequest) -> HttpResponse:
    return render(request, "operations.html", {"invocations": last_invocations()})


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    page, content_type = metrics_page()
    return HttpResponse(page, content_type=content_type)


@require_http_methods(["GET", "HEAD", "POST"])
def contact(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, "contact.html", {"sent": "sent" in request.GET})
    message = request.POST.get("message", "").strip()
    if not message:
        return render(request, "contact.html", {"error": "Please write a message."}, status=422)
    log.warning("Received a message of %d characters", len(message))
    response = HttpResponseRedirect("/contact?sent=yes")
    response.status_code = 303
    return response
