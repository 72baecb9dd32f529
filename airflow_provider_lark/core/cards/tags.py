"""The components and texts of card JSON 2.0 and their properties.

A property that is missing here is refused by Lark: ``200621 parse card json err … unknown property``. Those that the
documents call historic, but still show in their examples, are here as well.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ALIGNED = "direction padding horizontal_spacing horizontal_align vertical_spacing vertical_align"
_ITEM = "name required disabled disabled_tips width behaviors confirm value"

#: the components that may stand in a list of elements, with their properties beside those of all components
_COMPONENTS = {
    "audio": "file_key i18n_file_key i18n_file_key_key audio_id disabled disabled_tips show_progress_bar show_time "
    "time_display time_position border style padding background_style fill_color width",
    "button": f"{_ITEM} text type size icon hover_tips form_action_type action_type complex_interaction url multi_url",
    "chart": "aspect_ratio color_theme chart_spec preview height",
    "checker": f"{_ITEM} checked text overall_checkable button_area checked_style padding hover_tips",
    "collapsible_panel": f"{_ALIGNED} expanded background_color header border elements",
    "column_set": f"{_ALIGNED} flex_mode background_style action columns",
    "date_picker": f"{_ITEM} initial_date placeholder",
    "div": "width text icon fields",
    "form": f"{_ALIGNED} name elements confirm",
    "hr": "",
    "img": "img_key i18n_img_key alt title scale_type size transparent preview corner_radius mode custom_width "
    "compact_width",
    "img_combination": "combination_mode combination_transparent corner_radius img_list",
    "input": f"{_ITEM} placeholder default_value i18n_default_value max_length input_type show_icon rows auto_resize "
    "max_rows label label_position",
    "interactive_container": f"{_ALIGNED} width height background_style has_border border_color corner_radius "
    "behaviors disabled disabled_tips confirm hover_tips elements",
    "markdown": "content i18n_content text_size text_align text_color icon href",
    "multi_select_person": f"{_ITEM} type placeholder selected_values options",
    "multi_select_static": f"{_ITEM} type placeholder selected_values options",
    "overflow": f"{_ITEM} options",
    "person": "size user_id show_avatar show_name style",
    "person_list": "persons drop_invalid_user_id lines show_name show_avatar size icon ud_icon",
    "picker_datetime": f"{_ITEM} initial_datetime placeholder",
    "picker_time": f"{_ITEM} initial_time placeholder",
    "select_img": f"{_ITEM} multi_select layout can_preview aspect_ratio options",
    "select_person": f"{_ITEM} type placeholder initial_option options",
    "select_static": f"{_ITEM} type placeholder initial_option initial_index options",
    "table": "page_size row_height row_max_height freeze_first_column header_style columns rows",
}
_TEXT = "tag element_id content i18n_content text_size text_color text_align lines"
_ICON = "tag token color img_key i18n_img_key size style"
#: what stands in other places than a list of elements
_PARTS = {
    "column": f"tag element_id margin fallback {_ALIGNED} background_style width weight action elements",
    "plain_text": _TEXT,
    "lark_md": _TEXT,
    "text_tag": "tag element_id text color",
    "standard_icon": _ICON,
    "custom_icon": _ICON,
    "fallback_text": "tag text",
}

COMPONENTS = frozenset(_COMPONENTS)
"""What a list of elements may hold."""

PROPERTIES = {
    **{tag: _words(f"tag element_id margin fallback {own}") for tag, own in _COMPONENTS.items()},
    **{tag: _words(own) for tag, own in _PARTS.items()},
}
"""The properties of each tag."""

CARD_PROPERTIES = _words("schema config card_link header i18n_header body")
"""Of the card itself."""

CONFIG_PROPERTIES = _words(
    "streaming_mode streaming_config summary locales enable_forward update_multi width_mode use_custom_translation "
    "enable_forward_interaction style wide_screen_mode"
)
"""Of ``config``. ``wide_screen_mode`` belongs to JSON 1.0, but an example of the documents for 2.0 has it; reports do
not agree whether Lark takes it (lark-api §6.5)."""

HEADER_PROPERTIES = _words("title subtitle text_tag_list i18n_text_tag_list template icon ud_icon padding i18n")
"""Of ``header``."""

BODY_PROPERTIES = _words(f"elements {_ALIGNED}")
"""Of ``body``."""

CONTAINERS = frozenset({"column_set", "form", "interactive_container", "collapsible_panel"})
"""What nests; a column belongs to its column_set."""

NAMED_IN_FORMS = _words(
    "button checker date_picker input multi_select_person multi_select_static picker_datetime picker_time select_img "
    "select_person select_static"
)
"""Interactive components: in a form each needs a name of its own (200530)."""

CLICKABLE = NAMED_IN_FORMS | {"form", "interactive_container", "overflow"}
"""What may ask for a confirmation."""

UNCOUNTED = frozenset({"standard_icon", "custom_icon", "fallback_text"})
"""What carries no element_id, and so is no element."""

INSTEAD = {
    "note": (
        'removed in JSON 2.0: use {"tag": "div", "text": {"tag": "plain_text", "content": …, '
        '"text_size": "notation", "text_color": "grey"}}'
    ),
    "action": (
        "removed in JSON 2.0: put its buttons directly into elements, or side by side into the columns of a column_set"
    ),
    "plain_text": 'text must be inside a component: {"tag": "div", "text": {"tag": "plain_text", …}}',
    "lark_md": 'text must be inside a component: {"tag": "markdown", "content": …}',
    "text": 'use {"tag": "div", "text": {"tag": "plain_text", "content": …}}',
    "column": "a column must be in the columns of a column_set",
    "select_menu": "use select_static",
    "time_picker": "use picker_time",
    "datetime_picker": "use picker_datetime",
    "image": "use img",
    "divider": "use hr",
    "header": "the header must be next to body, not inside it",
}
"""What to use in place of a tag that is none, or that stands where it cannot."""
