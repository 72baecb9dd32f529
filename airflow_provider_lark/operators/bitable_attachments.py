"""Operators that move files between attachment cells and object storage, or any file system that Airflow knows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.parameters import read_filter, read_ids, read_json, read_text, read_zone
from airflow_provider_lark.operators.dry_run import DryRunOperator
from airflow_provider_lark.operators.records.base import BitableTableOperator, OpenedTable

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

    from airflow_provider_lark.core.lark_side.table import LarkTable
    from airflow_provider_lark.core.transfer.files.attachments import FilesReport


class _BitableAttachmentsOperator(DryRunOperator, BitableTableOperator):
    """Works on the files of one attachment field.

    :param field: the attachment field.
    :param storage_conn_id: connection of the object storage; not needed for the local file system.
    """

    template_fields: Sequence[str] = (*BitableTableOperator.template_fields, "field", "storage_conn_id")

    def __init__(self, *, field: str, storage_conn_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.field = field
        self.storage_conn_id = storage_conn_id

    def _run(self, opened: OpenedTable) -> dict[str, Any]:
        return self._move(opened, opened.table).to_dict()

    @abstractmethod
    def _move(self, opened: OpenedTable, table: LarkTable) -> FilesReport:
        """Do the work by one call."""

    def _path(self, value: Any, where: str) -> ObjectStoragePath:
        from airflow.sdk import ObjectStoragePath

        if not value or isinstance(value, Mapping):
            raise ConfigError(f"{where}: expected a path such as s3://bucket/folder")
        if ":" in str(value).partition("://")[2].partition("/")[0].rpartition("@")[0]:
            # results and messages name files, and Airflow shows templated fields
            raise ConfigError(
                f"{where}: contains a password; store it in a connection and set storage_conn_id to that connection"
            )
        return ObjectStoragePath(value, conn_id=read_text(self.storage_conn_id))


class BitableUploadAttachmentsOperator(_BitableAttachmentsOperator):
    """Uploads files into the attachment cells of records.

    Files are streamed in blocks of 4 MB. With ``append``, a file that a cell already has by name and size is not
    uploaded again, so a task that is tried again goes on where it stopped.

    :param files: ``{record_id: path}`` or ``{record_id: [paths]}``; of a folder, all files that lie in it.
    :param mode: ``append`` to what the cell holds, or ``replace`` it.
    """

    lineage = "writes"
    template_fields: Sequence[str] = (*_BitableAttachmentsOperator.template_fields, "files", "mode")
    template_fields_renderers: ClassVar[dict[str, str]] = {"files": "json"}

    def __init__(
        self, *, files: Mapping[str, Any] | str, mode: Literal["append", "replace"] = "append", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.files = files
        self.mode = mode

    def _move(self, opened: OpenedTable, table: LarkTable) -> FilesReport:
        from airflow_provider_lark.core.transfer.files.upload import upload_attachments

        return upload_attachments(table, self.field, self._files(), mode=self.mode, dry_run=self.is_dry_run)

    def _files(self) -> dict[str, list[ObjectStoragePath]]:
        given = read_json(self.files, "files")
        if not isinstance(given, Mapping):
            raise ConfigError('files: expected a dictionary such as {"rec…": "s3://bucket/file.pdf"}')
        found = {}
        for record_id, paths in given.items():
            read_ids([record_id])
            several = paths if isinstance(paths, list | tuple) else [paths]
            found[record_id] = [self._path(path, f"files[{record_id!r}]") for path in several]
        return found


class BitableDownloadAttachmentsOperator(_BitableAttachmentsOperator):
    """Downloads the files of an attachment field to ``<path>/<record_id>/<name>``.

    Files are streamed. Names are made safe; two files of one name become ``a.pdf`` and ``a (2).pdf``. What is already
    there with the same size is not downloaded again.

    :param path: the folder to write to.
    :param record_ids: these records only.
    :param view: only the records of this view, by id or name; default: the one of *table*'s address.
    :param filter: only the records that meet it; see the operators for records.
    :param time_zone: name of the zone of dates in the filter; default: the base's own.
    """

    lineage = "reads"
    template_fields: Sequence[str] = (
        *_BitableAttachmentsOperator.template_fields,
        "path",
        "record_ids",
        "view",
        "filter",
        "time_zone",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"filter": "json"}

    def __init__(
        self,
        *,
        path: str | ObjectStoragePath,
        record_ids: Sequence[str] | str = (),
        view: str | None = None,
        filter: Mapping[str, Any] | str | None = None,
        time_zone: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.path = path
        self.record_ids = record_ids
        self.view = view
        self.filter = filter
        self.time_zone = time_zone

    def _move(self, opened: OpenedTable, table: LarkTable) -> FilesReport:
        from airflow_provider_lark.core.lark_side.record_table import Search
        from airflow_provider_lark.core.transfer.files.download import download_attachments

        filter_ = read_filter(self.filter)
        own_view = None if filter_ else opened.place.view_id or None
        search = Search(filter=filter_, view_id=read_text(self.view) or own_view)
        ids = read_ids(self.record_ids) if self.record_ids and self.record_ids != "None" else []
        return download_attachments(
            table,
            self.field,
            self._path(self.path, "path"),
            record_ids=ids,
            search=search,
            time_zone=read_zone(self.time_zone),
            find_user_ids=opened.find_user_ids,
            dry_run=self.is_dry_run,
        )
