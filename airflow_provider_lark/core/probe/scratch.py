"""The base on which experiments are made, and its tables. Answers come as Lark gives them, refusals too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.api.wire.query import QueryValue
from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.errors import LarkError, UnexpectedAnswer

ZONE = "Asia/Shanghai"
"""The scratch base's: far from UTC, so that it shows in which zone days begin, and without daylight saving time."""

BASES = "/open-apis/bitable/v1/apps"

_FILES = "/open-apis/drive/v1/files"


@dataclass(frozen=True, slots=True)
class Answer:
    """What Lark answered; *code* 0: it did as asked."""

    code: int
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scratch:
    """A base that belongs to the probe."""

    client: LarkClient
    clock: Clock
    app_token: str
    new_token: Callable[[], str]

    @classmethod
    def make(cls, client: LarkClient, clock: Clock, name: str, new_token: Callable[[], str]) -> Scratch:
        """Make a base in the app's own space.

        :raises LarkError: the app may not, or Lark cannot be reached.
        """
        return cls(client, clock, client.bitable.create_app(name=name, time_zone=ZONE).app_token, new_token)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the base."""
        return ZoneInfo(ZONE)

    def remove(self) -> Answer:
        """Put the base into the trash of the app's space."""
        return self.ask("DELETE", f"{_FILES}/{self.app_token}", query={"type": "bitable"})

    def table(self, name: str, *fields: Mapping[str, Any]) -> ScratchTable:
        """Make a table; the first field is a text ``Name``."""
        given = [{"field_name": "Name", "type": 1}, *fields]
        made = self.client.bitable.create_table(app_token=self.app_token, name=name, fields=given)
        return ScratchTable(self, made)

    def ask(self, method: str, path: str, *, json: Any = None, query: Mapping[str, QueryValue] | None = None) -> Answer:
        """Call any API; a refusal is an answer.

        :raises LarkError: no answer came, or none that Lark gives.
        """
        try:
            body = self.client.call(method, path, json=json, query=query)
        except LarkError as error:
            if error.code is None:
                raise
            return Answer(error.code)
        data = body.get("data")
        return Answer(0, data if isinstance(data, dict) else {})


@dataclass(frozen=True, slots=True)
class ScratchTable:
    """A table of it."""

    scratch: Scratch
    table_id: str

    @property
    def path(self) -> str:
        """Where its records are."""
        return f"{BASES}/{self.scratch.app_token}/tables/{self.table_id}"

    def ask(self, method: str, tail: str, *, json: Any = None, query: Mapping[str, QueryValue] | None = None) -> Answer:
        """Call an API of the table."""
        return self.scratch.ask(method, f"{self.path}/{tail}", json=json, query=query)

    def add(self, *rows: Mapping[str, Any]) -> list[str]:
        """Create records with those fields in one call, and return their ids."""
        made = self.scratch.client.bitable.batch_create(
            app_token=self.scratch.app_token,
            table_id=self.table_id,
            records=rows,
            client_token=self.scratch.new_token(),
        )
        return [record["record_id"] for record in made]

    def update(self, record_id: str, fields: Mapping[str, Any]) -> None:
        """Change one record."""
        self.scratch.client.bitable.update_record(
            app_token=self.scratch.app_token, table_id=self.table_id, record_id=record_id, fields=fields
        )

    def search(self, *, size: int = 100, **body: Any) -> Answer:
        """Search one page."""
        return self.ask("POST", "records/search", json=body, query={"page_size": size})

    def found(self, filter_: Mapping[str, Any]) -> tuple[int, set[str]]:
        """Return the code with which a search by *filter_* was answered, and the ids of what it found."""
        answer = self.search(filter=filter_)
        return answer.code, {record["record_id"] for record in items(answer)}

    def read(self, record_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return records by id, with who changed them, and when."""
        read = self.scratch.client.bitable.batch_get(
            app_token=self.scratch.app_token, table_id=self.table_id, record_ids=record_ids, automatic_fields=True
        )
        return {record["record_id"]: dict(record) for record in read.records}

    def modified_ms(self, record_id: str) -> int | None:
        """Return when Lark says a record was modified; None: it does not say."""
        moment = self.read([record_id])[record_id].get("last_modified_time")
        return moment if isinstance(moment, int) else None

    def fields(self) -> list[dict[str, Any]]:
        """Return the fields as Lark describes them now."""
        listed = self.scratch.client.bitable.list_fields(app_token=self.scratch.app_token, table_id=self.table_id)
        return [dict(each) for each in listed]

    def field(self, name: str) -> dict[str, Any]:
        """Return the field of that name.

        :raises UnexpectedAnswer: Lark shows none.
        """
        for each in self.fields():
            if each["field_name"] == name:
                return each
        raise UnexpectedAnswer(f"{self.table_id}: Lark shows no field {name!r}, which was just made")

    def add_field(self, field: Mapping[str, Any]) -> Answer:
        """Create a field."""
        return self.ask("POST", "fields", json=dict(field))


def items(answer: Answer) -> list[dict[str, Any]]:
    """Return the list of a page; Lark leaves an empty one out."""
    return [each for each in answer.data.get("items") or [] if isinstance(each, dict)]


def options_of(field: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the options of a select."""
    return [dict(each) for each in (field.get("property") or {}).get("options") or []]


def ids_of_version_1(number: int) -> str:
    """Return a UUID that is well formed and not of version 4."""
    return str(UUID(int=(number << 80) | (1 << 76) | (1 << 63)))


def condition(name: str, operator: str, *value: str) -> dict[str, Any]:
    """Return a filter of one condition."""
    return {
        "conjunction": "and",
        "conditions": [{"field_name": name, "operator": operator, "value": list(value)}],
    }
