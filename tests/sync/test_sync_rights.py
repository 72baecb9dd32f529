"""Rights that hide rows, and triggers that run in the name of a user who is gone."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, exc
from sqlalchemy.pool import NullPool

from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.sync.doctor import examine_mapping
from tests.sync.shop import GOODS


def look(shop, engine, check):
    found = examine_mapping(shop.client, engine, shop.engine().mapping, clock=SystemClock())
    return next((each.status, each.detail) for each in found if each.check == check)


@pytest.fixture
def tenant(open_shop, tempered):
    """A shop of which this user sees its own half, by a policy."""
    shop = open_shop("postgresql", GOODS)
    shop.execute(
        "DROP ROLE IF EXISTS lark_test_tenant",
        "CREATE ROLE lark_test_tenant",
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO lark_test_tenant",
        "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO lark_test_tenant",
        "GRANT ALL ON SCHEMA public TO lark_test_tenant",
        "INSERT INTO goods SELECT n, 'n' || n, n FROM generate_series(1, 30) n",
    )
    yield shop, tempered("postgresql", "SET ROLE lark_test_tenant")
    shop.execute(
        "DROP POLICY IF EXISTS own_half ON goods",
        "ALTER TABLE goods DISABLE ROW LEVEL SECURITY",
        "DROP OWNED BY lark_test_tenant CASCADE",
        "DROP ROLE lark_test_tenant",
    )


def hide(shop):
    shop.execute(
        "CREATE POLICY own_half ON goods USING (code <= 15)",
        "ALTER TABLE goods ENABLE ROW LEVEL SECURITY",
    )


def test_rows_that_a_policy_hides_are_never_deleted_in_lark(tenant):
    shop, engine = tenant
    shop.engine().full()
    hide(shop)
    shop.execute("UPDATE goods SET qty = 0")
    for work in (shop.engine(engine).full, shop.engine(engine).incremental, shop.engine(engine).check):
        with pytest.raises(SchemaMismatch, match=r"hides rows .* public.goods \(policy 'own_half'\)"):
            work()
    assert len(shop.lark()) == 30


def test_setup_and_doctor_name_the_policy(tenant):
    shop, engine = tenant
    assert look(shop, engine, "row security") == ("ok", "this user can see every row")
    hide(shop)
    with pytest.raises(SchemaMismatch, match=r"table 'goods': row-level security .*policy 'own_half'.*BYPASSRLS"):
        shop.engine(engine).setup()
    status, detail = look(shop, engine, "row security")
    assert (status, "own_half" in detail) == ("trouble", True)
    # whoever sees all rows is not concerned
    assert look(shop, shop.sql, "row security") == ("ok", "this user can see every row")


@pytest.fixture
def dropped_user(open_shop):
    """A shop that was set up by a user who was dropped since."""
    shop = open_shop("mysql", GOODS)
    name = f"lark_old_{shop.sql.url.database[-12:]}"
    place = f"'{name}'@'%'"
    shop.execute(
        "INSERT INTO goods VALUES (1, 'one', 1)",
        f"CREATE USER {place} IDENTIFIED BY 'old-Secret-1'",
        f"GRANT ALL ON {shop.sql.url.database}.* TO {place}",
    )
    old = create_engine(shop.sql.url.set(username=name, password="old-Secret-1"), poolclass=NullPool)
    try:
        shop.engine(old).full()
    finally:
        shop.execute(f"DROP USER {place}")
    return shop, name


def test_definer_that_is_gone_is_seen_by_the_doctor_and_mended_by_setup(dropped_user):
    shop, name = dropped_user
    with pytest.raises(exc.OperationalError, match="1449"):
        shop.execute("UPDATE goods SET name = 'uno'")
    status, detail = look(shop, shop.sql, "triggers")
    assert (status, name in detail) == ("trouble", True)
    assert any(name in each for each in shop.engine().setup().created)
    shop.execute("UPDATE goods SET name = 'uno'")
    assert look(shop, shop.sql, "triggers") == ("ok", "installed and current")
    shop.engine().incremental()
    assert shop.lark() == {1: "uno"}


def test_definer_that_is_gone_is_mended_by_a_scheduled_run(dropped_user):
    shop, name = dropped_user
    report = shop.engine().incremental()
    assert any(name in warning for warning in report.warnings)
    shop.execute("UPDATE goods SET name = 'uno'")
    assert not shop.engine().incremental().warnings
    assert shop.lark() == {1: "uno"}
