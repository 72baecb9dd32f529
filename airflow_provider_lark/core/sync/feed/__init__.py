"""The feed: an automation in the base that tells the receiver which record was edited; for apps without event scopes.

A feed makes the next run begin sooner, as an event does. It tells of no deletes, and polling stays the truth.
"""

from airflow_provider_lark.core.sync.feed.verbs import Feeds, State, TableFeed

__all__ = ["Feeds", "State", "TableFeed"]
