"""The routes that go around the router stand in it, too: with the same path, method and endpoint."""

from fastapi.routing import APIRoute

from taskflow_hub.http.direct import HOT
from taskflow_hub.http.routes import submit


def test_what_goes_around_the_router_is_what_stands_in_it() -> None:
    standing = {
        (method, route.path): route.endpoint
        for route in submit.router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    assert standing == HOT
