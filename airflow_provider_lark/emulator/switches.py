"""Switches: one for each point on which the platform's sources disagree or are silent (lark-api §11)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

from airflow_provider_lark.emulator.settings import check_values


@dataclass
class Switches:
    """Settings that may change while the emulator runs; the defaults are the reading that the reference proposes."""

    greater_excludes_day: bool = False
    """isGreater on a date: False = later than midnight of day d, True = day d itself is excluded (§4.4)."""
    date_range_operators: Literal["empty", "error"] = "empty"
    """isGreaterEqual/isLessEqual on a date: no rows, or 1254018 (§4.2, §11.10)."""
    unknown_filter_field: Literal["error", "empty"] = "error"
    """A filter that names no field: 1254018, or no rows (§4.2, §11.10)."""
    odd_texts_match: bool = True
    """Whether texts are found by outer blanks and line ends, as they stand (§4.3 does not say)."""
    contains_all: bool = False
    """contains with several values on a cell of several: False = any of them, True = all (§4.3 does not say)."""
    conditions_beside_children: bool = True
    """Whether a filter's own conditions count beside its children; no document shows both (§4.1)."""
    shows_stages: bool = False
    """Whether search and batch_get show cells of type 24, which users report missing (§3.2 has no shape for them)."""
    update_keeps_description: bool = False
    """Whether a field update without a description keeps the old one; the definition is replaced (§2.2)."""
    max_field_name: int = 100
    """Characters of a field name before 1254029: sources name the code only; 100 as of other names, or 1000 (§2.9)."""
    far_field_stays: bool = False
    """Whether the far side of a deleted two-way field stays as a one-way link, or goes with it (undocumented)."""
    ignores_views: bool = False
    """Whether a search overlooks its view_id, as bases of an older kind do, whose views only clients filter (§12)."""
    keeps_dead_links: bool = False
    """Whether a one-way link still shows a record that was deleted (undocumented)."""
    empty_option: Literal["clears", "error"] = "clears"
    """An empty text for a single select: an empty cell, or 1254062 (§3.4 does not say)."""
    empty_links: Literal["absent", "empty"] = "absent"
    """A link cell that holds nothing: not there, or ``{}`` (§3.2)."""
    unsorted: Literal["oldest_first", "newest_first"] = "oldest_first"
    """The order of a search without sort; none is promised (§2.4)."""
    token_on_single_update: bool = True
    """Whether updating one record heeds ``client_token``, which SDKs send and the page does not name (§11.4)."""
    repeated_options: Literal["create", "merge"] = "create"
    """A new name that stands twice in one multi-select: two options of that name, or one (§3.4)."""
    splits_urls: bool = False
    """Whether a web address in a text is read as a segment of its own (§3.2 shows such segments, not their cause)."""
    app_email: Literal["empty", "absent"] = "empty"
    """The address of an app that created or changed a record: an empty text, or no member (§3.2 shows people only)."""
    uuid_strict: bool = True
    """client_token must carry the version and variant bits of UUIDv4 (§2.3, §9.16)."""
    client_token_window_seconds: float = 6 * 3600.0
    """How long an equal client_token repeats the first answer (§2.3: undocumented, hours)."""
    batch_write_max: int = 1000
    """Records a batch_create or batch_update takes: 1000, or 500 as older sources say (§2.5)."""
    oversize_code: int = 1254104
    """Code for a batch over its limit: 1254104 or 99992402 (§2.5, §11.5)."""
    oversize_page: Literal["1254011", "99992402", "clamp"] = "1254011"
    """page_size over the limit (§11.5)."""
    bad_page_token_code: int = 1254030
    """A page_token that fits neither the query nor any page: 1254030 or 1254002 (§2.4)."""
    page_token_binds_page_size: bool = True
    """Whether a page_token is refused when page_size changes between pages (§2.4 asks to keep it)."""
    sort_ms_exact: bool = True
    """ModifiedTime/CreatedTime sort: exact to the ms, or only to the second (§11.3)."""
    wrong_secret_status: int = 200
    """HTTP status of a wrong App Secret: 200 or 400 (§1.2)."""
    wrong_secret_code: int = 10014
    """Code of a wrong App Secret: 10014 or 10015 (§1.2)."""
    auth_status: int = 400
    """HTTP status of 99991661/63/68/71: 400, 401 or 200 (§11.1, §12)."""
    wrong_kind_is_99991676: bool = False
    """Code of a token that the API does not take: 99991668 (user) and 99991663 (tenant), or 99991676 (§1.4)."""
    not_exist_status: int = 400
    """HTTP status of 91402: 400 or 404 (§1.4 names none)."""
    foreign_file_status: int = 403
    """HTTP status of 1254303: 403 or 200 (§2.9 prints both)."""
    limited_status: int = 429
    """HTTP status of 99991400: 429, or 400 on old APIs (§1.5)."""
    noop_update_touches: bool = True
    """Whether an update that changes no cell moves the modified time (§11.8)."""
    computed_touches: bool = False
    """Whether a new formula or lookup result moves the modified time (§11.8)."""
    back_link_touches: bool = True
    """Whether the far record of a two-way link counts as modified (undocumented)."""
    hidden_record_code: int = 1254302
    """Code for a write to a record that row rights hide: 1254302, or 1254043 as if it were gone (§2.9 names both)."""
    names_hidden_records: bool = True
    """Whether batch_get tells hidden records as forbidden, or as absent (§2.4)."""
    replica_lag_seconds: float = 0.0
    """How long new things are not found, and reads lag behind person edits and unchecked writes (§2.3, §2.8)."""
    write_seconds: float = 0.0
    """How long a write holds its table, so that concurrent writers meet (§2.8)."""
    copy_seconds: float = 0.0
    """How long a copied base answers 1254036 (§2.2, §2.8)."""
    lock_whole_base: bool = False
    """Whether writes exclude one another in the whole base, not only in a table (§2.8)."""
    rate_limits: bool = False
    """Whether the documented rates are enforced (§2.2); off, so that tests run at full speed."""
    max_records: int | None = None
    """Records a table may hold before 1254103; depends on the tenant's plan (§2.7)."""
    max_changeset_bytes: int | None = None
    """Size of a batch write beyond which it is 1254002 "changeset size exceed the limit" (§2.4)."""
    max_response_bytes: int | None = None
    """Size of a search answer beyond which it is 1254030 TooLargeResponse (§2.4)."""
    serves_ranges: bool = True
    """Whether a download answers ``Range`` with a part, or with the whole file (§7.4)."""
    names_ranges: bool = True
    """Whether a part says with ``Content-Range`` which it is; documented is the 206 only (§7.4)."""
    bare_file_refusals: bool = False
    """Whether a refused download has a status and no body: documented is the status only (§7.4)."""
    unsubscribed: Literal["silent", "delete", "always"] = "delete"
    """Where a subscription that is not there is 1069605: when it is deleted, or also when it is asked for (§5.1)."""
    tells_callbacks: bool = True
    """Whether an app's settings hold its ``callback_info``, which SDKs know and the page does not name (§5.1)."""
    foreign_file_code: int = 1254303
    """Code for a file of another base in a cell: 1254303 or 1254027 (§7.4)."""
    login_denied: bool = False
    """Whether the person refuses at the login page, which then redirects with ``error`` (§1.3)."""
    login_as: str = ""
    """open_id of who logs in; empty: the default person."""
    refresh_enabled: bool = True
    """Whether apps have refresh tokens switched on: 20074 otherwise (§1.3)."""
    challenge_seconds: float = 1.0
    """How long a request URL may take to return its challenge (§5.3)."""
    ack_seconds: float = 3.0
    """How long an app may take to acknowledge an event (§5.3); for a request URL in real time, unlike the retries."""
    event_copies: int = 1
    """How often each event is delivered: at least once is all that is promised (§5.3)."""
    event_delay_seconds: float = 0.0
    """How long an event takes until it is sent first, by the emulator's clock: no source promises a time (§5.3)."""
    events_out_of_order: bool = False
    """Whether every other event comes a second late, and so after its successor (§5.3)."""
    events_tell_auto_numbers: bool = False
    """Whether events of new and deleted records carry their auto numbers (§5.2 does not say)."""
    event_time_digits: Literal[13, 16] = 13
    """Digits of an event's ``create_time``: ms or µs (§5.3)."""
    ping_seconds: int = 120
    """How often clients of the long connection are told to ping (§5.5)."""
    reconnect_seconds: int = 120
    """How long they are told to wait between two tries to connect (§5.5)."""
    reconnect_jitter_seconds: int = 30
    """The random wait before their first try that they are told (§5.5)."""
    reconnect_count: int = -1
    """How many tries they are told; -1 for ever (§5.5)."""
    fragment_bytes: int = 0
    """Bytes of a delivery's JSON in one frame of the long connection; 0: however long it is (§5.5 names no size)."""
    fragments_out_of_order: bool = False
    """Whether the fragments of a delivery come in any order (§5.5)."""
    hook_answer: Literal["both", "code", "status"] = "both"
    """How a webhook says that it took a message: by ``code``, by the older ``StatusCode``, or by both (§6.4)."""
    hook_bad_request_status: int = 400
    """Status of 9499 from a webhook: 400 or 200 (§6.4)."""
    hook_signs_first: bool = True
    """Whether a webhook looks at the signature before it misses the message (§6.4 does not say)."""
    max_hook_bytes: int = 20 * 1024
    """Bytes of a request to a webhook: 20 KB, or 20,000 (§6.4)."""
    hook_peak_seconds: float = 0.0
    """How long after full and half hours webhooks answer 11232 (§6.4)."""
    message_size_counts: Literal["body", "content"] = "body"
    """What of a message is held against 150 KB and 30 KB: the request's body, or its content before escaping (§6.1)."""
    unknown_message_code: int = 230030
    """Code for a message_id that nobody has: 230030, or 230001 (§6.3 lists the first without a page)."""
    unshared_card: Literal["error", "silent"] = "error"
    """An update of a card without ``update_multi``: 230001, or success that changes nothing (§6.5, §9.24)."""
    other_card_form_code: int = 200830
    """Cause of a refused update from JSON 2.0 to 1.0: 200830 or 200800; the other way it is 200800 (§6.3)."""
    takes_wide_screen: bool = False
    """Whether a card of JSON 2.0 may have ``config.wide_screen_mode`` of 1.0, or is refused with 200621 (§6.5)."""
    edit_seconds: float = 24 * 3600.0
    """How long a message can be edited: the tenant's administrator sets it (§6.3)."""
    recall_seconds: float = 24 * 3600.0
    """How long a message can be recalled: the tenant's administrator sets it (§6.3)."""
    search_heeds_dashes: bool = False
    """Whether a chat is found by a word with a dash without quotation marks, which the page advises (§7.2)."""
    urgent_quota: int | None = None
    """Urgent messages by sms and phone that the tenant has paid for, before 230024."""
    approval_callback_seconds: float = 10.0
    """How long the callback of a decision may take; real time (§13.5)."""
    approval_callback_code: Literal["given", "own"] = "given"
    """Which code of a definition the callback of a decision names: the platform's, or the app's own (§13.5)."""
    approval_press_decides: bool = False
    """Whether a press changes the task in the centre at once, whatever the callback says (§13.5: it does not)."""
    serves_workflows: bool = True
    """Whether base/v3, in which automations are, answers at all; no public document has it (§4.7, §11.15)."""
    workflows_need_conditions: bool = False
    """Whether a ``ChangeRecordTrigger`` without conditions is refused; sources say both (§4.8, §11.18)."""
    workflows_fire_on_api: bool = False
    """Whether writes of the API start automations (§4.8, §11.18)."""
    workflows_follow_renames: bool = False
    """Whether an automation still finds its table, which it names, after the table got another name (§4.8, §11.18)."""
    workflows_are_blocks: bool = True
    """Whether a workflow_id is also the id by which its block is deleted, or the block has one of its own (§4.8)."""
    max_workflow_runs: int | None = None
    """Runs of automations that the tenant's plan has left; after them none start (§4.8)."""
    serves_record_history: bool = True
    """Whether base/v3 tells the history of a record; no public document has it (§4.9, §11.19)."""
    history_tells_operator: bool = True
    """Whether the history of a record says who made a change (§4.9, §11.19)."""
    v3_records: Literal["served", "missing", "forbidden", "failing"] = "served"
    """Whether base/v3 shows records: no public document has it; refused are 99991201, 91403 and 5000 (§4.10, §12)."""
    v3_page_max: int = 2000
    """The most records of a page of base/v3; it was 200 and 500 before (§4.10)."""
    v3_times: Literal["seconds", "zoned", "milliseconds"] = "seconds"
    """How base/v3 shows a moment: in the base's zone, with an offset, or with milliseconds (§4.10, §11.15)."""
    v3_rev: Literal["told", "absent", "zero"] = "told"
    """Whether a page of base/v3 tells the revision that it shows (§4.10, §11.20)."""
    v3_types: Literal["known", "new"] = "known"
    """Whether the types of fields have names that the command line client knows (§4.10)."""
    v3_links: Literal["markdown", "text"] = "markdown"
    """How a link in a text is shown: ``[text](address)``, or its text alone (§4.10)."""
    v3_rows: Literal["lists", "objects"] = "lists"
    """Whether the rows of a page are lists, as the command line client expects, or objects (§4.10)."""
    strict_parameters: bool = True
    """Refuse unknown query parameters and body members, which the platform would ignore, to show typos."""

    def update(self, values: dict[str, Any]) -> None:
        """Set switches by name.

        :raises ValueError: a name is unknown, or a value does not fit its switch; nothing is set then.
        """
        known = {each.name for each in fields(self)}
        unknown = sorted(set(values) - known)
        if unknown:
            msg = f"unknown switches {unknown}; known: {sorted(known)}"
            raise ValueError(msg)
        check_values(Switches, values)
        for name, value in values.items():
            setattr(self, name, value)

    def restore(self) -> None:
        """Back to the defaults."""
        self.update({each.name: each.default for each in fields(self)})
