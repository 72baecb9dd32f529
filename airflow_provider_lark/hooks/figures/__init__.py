"""Figures of the sync and of calls to Lark, through Airflow's stats: StatsD, Datadog or OpenTelemetry.

:mod:`.names` lists them, :mod:`.sending` sends, :mod:`.sync` and :mod:`.calls` say what. Where Airflow's stats are off,
nothing is imported but this package's ``sending``.
"""
