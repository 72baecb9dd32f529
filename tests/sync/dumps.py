"""Backups as administrators take them: with the tools of each database, restored into the same one."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine


class Dump:
    """What a database held: all of it, or one table with what belongs to it.

    :param table: of which alone; None for the whole database, with the ledger.
    """

    def __init__(self, engine: Engine, folder: Path, table: str | None = None) -> None:
        self.engine = engine
        self.table = table
        self.file = folder / "backup.sql"
        getattr(self, f"_take_{engine.dialect.name}")()

    def restore(self) -> None:
        """Put it back."""
        self.engine.dispose()
        getattr(self, f"_restore_{self.engine.dialect.name}")()

    def _take_postgresql(self) -> None:
        one = ["--table", self.table] if self.table else []
        self._run("pg_dump", "--clean", "--if-exists", "--file", str(self.file), *one, *self._place("-U"))

    def _restore_postgresql(self) -> None:
        quiet = ["--quiet", "--set", "ON_ERROR_STOP=1", "--output", "/dev/null"]
        self._run("psql", *quiet, "--file", str(self.file), *self._place("-U"))

    def _take_mysql(self) -> None:
        name, one = str(self.engine.url.database), [self.table] if self.table else []
        told = self._run("mysqldump", "--single-transaction", *self._place("-u"), *one)
        assert name
        self.file.write_bytes(told)

    def _restore_mysql(self) -> None:
        self._run("mysql", *self._place("-u"), given=self.file.read_bytes())

    def _take_sqlite(self) -> None:
        path = str(self.engine.url.database)
        with closing(sqlite3.connect(path)) as conn:
            if self.table is None:
                with closing(sqlite3.connect(self.file)) as copy:
                    conn.backup(copy)
                return
        self.file.write_bytes(self._run("sqlite3", path, f".dump {self.table}"))

    def _restore_sqlite(self) -> None:
        with closing(sqlite3.connect(str(self.engine.url.database))) as conn:
            if self.table is None:
                with closing(sqlite3.connect(self.file)) as copy:
                    copy.backup(conn)
                return
            conn.execute(f"DROP TABLE {self.table}")
            conn.executescript(self.file.read_text())

    def _place(self, user_option: str) -> list[str]:
        url = self.engine.url
        port = "-p" if user_option == "-U" else "-P"
        where = ["-h", str(url.host), *([port, str(url.port)] if url.port else [])]
        return [*where, user_option, str(url.username), str(url.database)]

    def _run(self, *command: str, given: bytes | None = None) -> bytes:
        env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        if self.engine.url.password:
            env |= {"PGPASSWORD": str(self.engine.url.password), "MYSQL_PWD": str(self.engine.url.password)}
        done = subprocess.run(command, input=given, capture_output=True, env=env, check=False)
        assert not done.returncode, done.stderr.decode()
        return done.stdout
