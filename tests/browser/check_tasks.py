"""What a person sees of a task in a real browser on a real Airflow: the button, and the log of one that failed."""

from __future__ import annotations


def test_button_of_a_synced_table_leads_to_it(page, airflow, shot):
    run_id = airflow.trigger("lark_full_sync", tables=["areas"])
    page.goto(f"{airflow.url}/dags/lark_full_sync/runs/{run_id}/tasks/one_table.sync/mapped/0/details")
    button = page.get_by_role("link", name="Open in Lark")
    button.wait_for()
    shot("open_in_lark")
    expected = f"{airflow.emulator}/base/{airflow.areas['app_token']}?table={airflow.areas['table_id']}"
    assert button.get_attribute("href") == expected


def test_log_of_a_failed_task_shows_the_message_in_a_line_of_its_own(page, airflow, shot):
    run_id = airflow.trigger("lark_full_sync", config="nowhere.yaml")
    page.goto(f"{airflow.url}/dags/lark_full_sync/runs/{run_id}/tasks/read_config")
    words = page.get_by_text("ConfigError: mapping: file 'nowhere.yaml' not found; tried").first
    words.wait_for()
    shot("failed_log")
    airflows = page.get_by_text("Task failed with exception").first
    assert words.bounding_box()["y"] < airflows.bounding_box()["y"]
    # the log's own key for wrapping lines: nothing of the message is cut off then
    page.keyboard.press("w")
    page.wait_for_timeout(1000)
    shot("failed_log_wrapped")
    box = words.bounding_box()
    assert box["x"] + box["width"] <= page.viewport_size["width"]


def test_tab_of_a_sync_task_opens_its_mapping(page, airflow, shot):
    """O29: the page as a tab of a task, which stays where it is after a reload."""
    run_id = airflow.trigger("lark_full_sync", tables=["areas"])
    page.goto(f"{airflow.url}/dags/lark_full_sync/runs/{run_id}/tasks/one_table.sync/mapped/0/plugin/lark_sync_task")
    frame = page.frame_locator("iframe")
    frame.get_by_role("heading", name="areas").wait_for()
    frame.get_by_role("link", name="Conflicts").click()
    frame.get_by_text("No conflict is open.").wait_for()
    page.reload()
    frame.get_by_text("No conflict is open.").wait_for()
    frame.get_by_role("link", name="Overview").click()
    frame.locator("svg.chart").first.wait_for()
    shot("sync_task_tab")
