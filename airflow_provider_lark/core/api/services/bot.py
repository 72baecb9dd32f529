"""The app's own bot: ``client.bot``. Also the cheapest call that proves a connection."""

from __future__ import annotations

from airflow_provider_lark.core.api.calls.namespace import ApiCall, D, Namespace
from airflow_provider_lark.core.api.wire.answers import pick
from airflow_provider_lark.core.api.wire.flow import Flow
from airflow_provider_lark.core.api.wire.results import BotInfo
from airflow_provider_lark.core.api.wire.routes import BOT_INFO


class Bot(Namespace[D]):
    """The bot API."""

    @ApiCall
    def info(self) -> Flow[BotInfo]:
        """Return the app's bot."""
        body = yield from self.session.call(BOT_INFO)
        bot = pick(body, "bot", dict, endpoint=BOT_INFO.endpoint)
        return BotInfo(bot.get("app_name") or "", bot.get("open_id") or "", bot.get("activate_status"))
