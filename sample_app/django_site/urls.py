"""The URLs of the shop's own pages."""

from django.conf import settings
from django.urls import include, path
from django.views.static import serve

from sample_app.django_site import views

urlpatterns = [
    path("", views.home),
    path("about", views.about),
    path("chat", views.chat),
    path("contact", views.contact),
    path("lambda-prices", views.prices),
    path("metrics", views.metrics),
    path("operations", views.operations),
    # For a demo only: a real site serves these with WhiteNoise or its web server.
    path("static/<path:path>", serve, {"document_root": settings.STATIC_ROOT}),
    path("", include("sample_app.django_site.members")),
]
