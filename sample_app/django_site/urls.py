"""The shop's own addresses."""

from django.conf import settings
from django.urls import path
from django.views.static import serve

from sample_app.django_site import views

urlpatterns = [
    path("", views.home),
    path("about", views.about),
    path("contact", views.contact),
    path("lambda-prices", views.prices),
    # Good enough for a demo; a real site has WhiteNoise or its web server do this.
    path("static/<path:path>", serve, {"document_root": settings.STATIC_ROOT}),
]
