"""All pages of a process: the desk, its API, the chat, health, and Telegram's webhook."""

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount

from bot.channels.telegram import webhook
from bot.channels.telegram.receive import SaveArrivals
from bot.channels.web.routes import routes as chat_routes
from bot.desk.api.app import create_api
from bot.desk.routes import routes as desk_routes
from bot.runtime import Runtime
from bot.web import demo_page, error_pages, health, static_files
from bot.web.headers import SecuredApp


def build_site(runtime: Runtime, keep_updates: SaveArrivals) -> Starlette:
    """Return what is served by HTTP; `keep_updates` saves what comes by Telegram's webhook."""
    routes: list[BaseRoute] = [static_files.static_route()]
    routes += health.monitoring_routes(runtime)
    routes.append(Mount("/api/v1", app=create_api(runtime), name="api"))
    routes += desk_routes(runtime) + chat_routes(runtime)
    if runtime.demo:
        routes.append(demo_page.demo_route())
    secret = runtime.settings.telegram_webhook_secret
    if runtime.settings.telegram_mode == "webhook" and secret:
        routes.append(webhook.webhook_route(secret.get_secret_value(), keep_updates))
    site = SecuredApp(
        routes=routes,
        exception_handlers={
            404: error_pages.not_found,
            405: error_pages.method_not_allowed,
            500: error_pages.internal_error,
        },
    )
    site.secure, site.allow_frames = runtime.secure, bool(runtime.demo)
    return site
