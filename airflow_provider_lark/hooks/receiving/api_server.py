"""Where and for which connections Airflow receives, as ``[lark]`` of its configuration says."""

from __future__ import annotations

from urllib.parse import quote

from airflow.sdk.configuration import conf

from airflow_provider_lark.core.errors import ConfigError


def address_of(base: str, conn_id: str, way: str = "") -> str:
    """Return where a receiver takes what is sent for a connection, whose ID may hold a slash or a number sign.

    :param base: its address, without a slash at the end.
    :param way: ``approval``, ``feed``, in the api-server ``events``; a receiver of its own has no word for events.
    """
    return "/".join(each for each in (base, way, quote(conn_id)) if each)


def read_conn_ids() -> list[str] | None:
    """Return the connections for which the api-server receives; None: the receiver is off.

    :raises ConfigError: a setting of ``[lark]`` cannot be read.
    """
    try:
        is_on = conf.getboolean("lark", "receiver_enabled", fallback=False)
    except Exception as exc:
        # what Airflow raises has a class of its own in each of its packages
        raise ConfigError(f"{exc}; set [lark] receiver_enabled to True or False") from exc
    if not is_on:
        return None
    names = conf.get("lark", "receiver_conn_ids", fallback="lark_default") or ""
    return list(dict.fromkeys(name for each in names.replace("\n", ",").split(",") if (name := each.strip())))


def read_receiver_url(given: str | None = None) -> str:
    """Return below which address the receiver answers Lark, without a slash at the end; empty: nobody has said.

    :param given: wins over ``[lark] receiver_url``.
    """
    return (given or conf.get("lark", "receiver_url", fallback="") or "").strip().rstrip("/")
