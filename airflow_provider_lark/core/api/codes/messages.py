"""Codes of messages, groups, reactions and the files in them; from the error tables of im-v1, read 2026-11.

They fail for a person's reasons: only those that are :class:`.RetriableError` here pass by themselves.
"""

from __future__ import annotations

from airflow_provider_lark.core.api.codes.meaning import LATER, Meaning
from airflow_provider_lark.core.errors import (
    AccessDenied,
    BadRequest,
    LarkError,
    NotAuthorized,
    NotFound,
    RateLimited,
    ServerBusy,
    TooLarge,
)

CARD_TOO_OLD = 230031
UNCHANGEABLE_CARD = frozenset({230011, 230030, CARD_TOO_OLD, 230110})
"""Codes of a card that can be changed no more: it was recalled or deleted, does not exist, or is too old."""

_AVAILABILITY = "widen the app's availability in the developer console, then release a new version of the app"
_ADD_BOT = "add the app's bot to the group: group settings > Bots"
_BOT = "add the Bot feature in the developer console, then release a new version of the app"
_OWN_IDS = "an open_id is only valid for the app it was issued to; use union_id, user_id or e-mail across apps"
_SCOPE = "add it under Permissions & Scopes, then release a new version"
_EXTERNAL = "enable external sharing for the app, or use a group within the tenant"
_MANAGER = "make the bot an administrator of the group, or let all members do it in the group's settings"
_KEY = "ask the tenant's administrator to restore the encryption key or the storage"
_ELSEWHERE = "choose another receiver"
_ENABLE = "enable it in the admin console"
_TEXT = "change the text"
_MESSAGE_ID = "check the message_id (om_…); it must be a message the bot can see"
_SECRET = "use a chat without this mode"  # noqa: S105 - secret chats
_OWN_ONLY = "only messages sent by the app itself can be changed or queried"

_Row = tuple[type[LarkError], str, str]

_SENDING: dict[int, _Row] = {
    230001: (BadRequest, "Lark rejected a part of the message", "check receiver_id, its type and the content"),
    230002: (AccessDenied, "the bot is not in the chat", _ADD_BOT),
    230003: (AccessDenied, "the message is not visible to the bot", _MESSAGE_ID),
    230004: (AccessDenied, "the message is not visible to the bot", _MESSAGE_ID),
    230005: (AccessDenied, "the message is not visible to the bot", _MESSAGE_ID),
    230006: (AccessDenied, "the app has no bot", _BOT),
    230013: (
        AccessDenied,
        "the bot cannot send to this user, who has left the tenant or is outside the app's availability",
        _AVAILABILITY,
    ),
    230015: (BadRequest, "a private chat cannot be shared", "share a group, or share a user with share_user"),
    230017: (AccessDenied, "the image or file was not uploaded by this app", "upload it with the same app first"),
    230018: (
        AccessDenied,
        "the group does not allow the bot to send messages",
        "ask the owner of the group to allow it",
    ),
    230019: (NotFound, "the thread does not exist", "check the thread_id (omt_…)"),
    230020: (RateLimited, "too many messages to one user or group", LATER),
    230022: (BadRequest, "the message contains sensitive words", _TEXT),
    230025: (TooLarge, "the message is too long", "shorten it, or send a link instead"),
    230027: (AccessDenied, "the app lacks a permission", _SCOPE),
    230028: (BadRequest, "the tenant's data loss prevention blocked the message", _TEXT),
    230029: (NotFound, "the user has left the tenant", _ELSEWHERE),
    230034: (NotFound, "the receiver_id is invalid", f"check it and receiver_id_type; {_OWN_IDS}"),
    230035: (
        AccessDenied,
        "the bot may not send messages to this chat",
        "check who may send messages in the chat's settings",
    ),
    230036: (NotFound, "the encryption key of the receiver's tenant was deleted", _KEY),
    230038: (AccessDenied, "the bot may not send messages to users of other tenants", "use a group with both of them"),
    230045: (NotFound, "the chat does not exist", "check the chat_id"),
    230049: (ServerBusy, "the message is still being sent", LATER),
    230053: (AccessDenied, "the user has stopped the bot", "only the user can start it again"),
    230054: (BadRequest, "this is not supported for this message type", "choose another msg_type"),
    230055: (
        BadRequest,
        "the file was uploaded with another file type",
        "use opus for audio, mp4 for media, and any other type for file",
    ),
    230075: (AccessDenied, "secret chats do not accept messages from apps", _SECRET),
    230099: (BadRequest, "the card's content is invalid", "check the card in Lark's card builder"),
    230100: (BadRequest, "Lark does not accept test messages with this content", _TEXT),
}

_SENT: dict[int, _Row] = {
    230009: (BadRequest, "the message can no longer be recalled", "the tenant's administrator sets the time limit"),
    230011: (NotFound, "the message was recalled", "send a new one if it is still needed"),
    230012: (AccessDenied, "the message was not sent by the app", _OWN_ONLY),
    230023: (BadRequest, "a user has 200 unread urgent messages", "wait until the user has read some"),
    230024: (BadRequest, "the tenant's quota for urgent messages is used up", "ask the tenant's administrator"),
    230026: (AccessDenied, "the bot may not recall the message", f"{_OWN_ONLY}, unless the bot manages the group"),
    230030: (NotFound, "the message does not exist", _MESSAGE_ID),
    230031: (BadRequest, "the card was sent more than 14 days ago", "send a new card"),
    230033: (
        BadRequest,
        "the message was sent more than 7 days ago, so its readers can no longer be queried",
        "query them earlier",
    ),
    230050: (AccessDenied, "the message is not visible to the bot", "allow new members to see the chat's history"),
    230052: (AccessDenied, "the bot may not mark this message as urgent", _MANAGER),
    230061: (BadRequest, "messages of this type cannot be forwarded", "send the content itself"),
    230062: (AccessDenied, "the bot may not forward into an encrypted group", _SECRET),
    230063: (NotFound, "the chat to forward to does not exist", "check the receiver"),
    230064: (NotFound, "the messages to forward do not exist, or the bot cannot see them", _MESSAGE_ID),
    230065: (NotFound, "the messages to forward were recalled", "choose others"),
    230066: (AccessDenied, "messages from a secret chat cannot be forwarded", _SECRET),
    230067: (
        BadRequest,
        "the messages are from several threads, or from a thread and a chat",
        "forward each one separately",
    ),
    230068: (BadRequest, "these messages cannot be forwarded together", "forward each one separately"),
    230069: (BadRequest, "the messages are from several chats", "forward the messages of each chat separately"),
    230070: (AccessDenied, "messages in restricted mode cannot be forwarded", _SECRET),
    230071: (AccessDenied, "the message was not sent by the app", _OWN_ONLY),
    230072: (BadRequest, "the message has already been edited 20 times, the maximum", "send a new one"),
    230073: (AccessDenied, "messages in a secret chat cannot be edited", _SECRET),
    230074: (AccessDenied, "messages in an encrypted chat cannot be edited", _SECRET),
    230098: (BadRequest, "a folded message cannot be marked as urgent", "mark one that is not folded"),
    230110: (NotFound, "the message was deleted", "send a new one if it is still needed"),
    230111: (BadRequest, "the message will self-destruct soon", "reply to another one"),
    300090: (
        BadRequest,
        "the token of the click is used up, older than 30 minutes, or its callback has not been answered yet",
        "update the card by its message_id",
    ),
    231203: (AccessDenied, "the chat's mode does not allow its messages to be read", _SECRET),
    231204: (AccessDenied, "an externally shared app cannot read on behalf of a user", "read as the app"),
}

_REACTIONS: dict[int, _Row] = {
    231001: (
        BadRequest,
        "the emoji_type does not exist",
        "check Lark's list of emoji_type values; they are case-sensitive",
    ),
    231002: (AccessDenied, "the bot is not in the chat of the message", _ADD_BOT),
    231003: (NotFound, "the message does not exist", _MESSAGE_ID),
    231004: (NotFound, "the chat of the message no longer exists", _ELSEWHERE),
    231005: (NotFound, "the thread of the message was removed", "choose another message"),
    231006: (
        BadRequest,
        "Lark cannot identify who is reacting",
        "try again; if it persists, contact Lark's support with the log_id",
    ),
    231007: (AccessDenied, "the reaction was added by someone else", "only the app's own reactions can be removed"),
    231008: (AccessDenied, "the bot cannot see the message", _ADD_BOT),
    231010: (NotFound, "the reaction belongs to another message", "check message_id and reaction_id"),
    231011: (NotFound, "the reaction does not exist", "it was already removed, or the reaction_id is wrong"),
    231012: (BadRequest, "the page_token is invalid", "start again from the first page"),
    231013: (NotAuthorized, "Lark does not accept this type of token", "use a client that acts as the app"),
    231014: (BadRequest, "the user_id_type is invalid", "use open_id, union_id or user_id"),
    231015: (ServerBusy, "an identical reaction is still being added", LATER),
    231017: (BadRequest, "messages of this type do not support reactions", "choose another message"),
    231018: (AccessDenied, "the message is not visible to the bot", "allow new members to see the chat's history"),
    231019: (
        AccessDenied,
        "the user who sent the message does not allow the bot to react",
        "only the user can allow it",
    ),
    231020: (AccessDenied, "the tenant does not allow the bot to react", "ask the tenant's administrator"),
    231021: (AccessDenied, "the bot may not act in external groups", _EXTERNAL),
    231022: (AccessDenied, "the user of the chat is outside the app's availability", _AVAILABILITY),
}

_CHATS: dict[int, _Row] = {
    232001: (BadRequest, "Lark rejected a part of the group request", "check names and ids"),
    232004: (NotAuthorized, "Lark does not know the app", "check App ID and host"),
    232006: (NotFound, "the chat_id is invalid", "use the chat_id of a group (oc_…), not of a private chat"),
    232008: (BadRequest, "this is not supported for this type of chat", "use an ordinary group"),
    232009: (NotFound, "the group was dissolved", _ELSEWHERE),
    232010: (AccessDenied, "the group belongs to another tenant", _EXTERNAL),
    232011: (AccessDenied, "the bot is not in the group", _ADD_BOT),
    232013: (BadRequest, "the group is full", "use another group"),
    232017: (AccessDenied, "only the owner and administrators of the group may do this", _MANAGER),
    232019: (RateLimited, "too many changes to one group", LATER),
    232020: (BadRequest, "the name of a public group must have at least two characters", "choose a longer one"),
    232021: (NotFound, "the bot does not exist", "give the app_id of a bot (cli_…)"),
    232022: (NotFound, "a user to be added has left the tenant", "leave the user out"),
    232023: (BadRequest, "Lark rejected the group's name or description", "change the wording"),
    232024: (AccessDenied, "a user to be added is outside the app's availability", _AVAILABILITY),
    232025: (AccessDenied, "the app has no bot", _BOT),
    232027: (BadRequest, "none of the ids can be added", "give at least one valid id"),
    232028: (AccessDenied, "users of other tenants cannot join an internal group", _EXTERNAL),
    232030: (NotFound, "the user does not exist", f"check the id and its type; {_OWN_IDS}"),
    232032: (BadRequest, "the group's owner belongs to another tenant", "choose an owner from the app's tenant"),
    232033: (AccessDenied, "the bot may not act in external groups", _EXTERNAL),
    232034: (AccessDenied, "the app is not in use in this tenant", _ENABLE),
    232037: (AccessDenied, "the app may not manage the group's labels", _SCOPE),
    232042: (BadRequest, "a public group needs a name", "give it a name"),
    232043: (NotFound, "an id to be added is unknown", f"check the ids and their type; {_OWN_IDS}"),
    232044: (BadRequest, "the group has the maximum number of members the administrator allows", "use another group"),
    232057: (AccessDenied, "the tenant has no restricted mode", "leave it out"),
    232068: (ServerBusy, "the group is being created", LATER),
    232069: (BadRequest, "an external group cannot be public", "make it private"),
    232075: (AccessDenied, "the group can only be joined by request", "ask its owner to add the bot"),
    232078: (AccessDenied, "the tenant cannot hide the number of members", "leave it out"),
    232079: (BadRequest, "this type of group cannot hide the number of members", "leave it out"),
    232090: (BadRequest, "this is not supported for this type of group", "use an ordinary group"),
    232091: (AccessDenied, "the tenant does not allow public groups", "make it private"),
    232095: (AccessDenied, "the app may not act in this type of group", _SCOPE),
    232096: (ServerBusy, "Lark does not accept messages at the moment", LATER),
}

_RESOURCES: dict[int, _Row] = {
    234001: (BadRequest, "Lark rejected a part of the file request", "check name, type and key"),
    234002: (
        NotAuthorized,
        "Lark rejected the token for message files",
        "check that the app has the scope im:resource",
    ),
    234003: (NotFound, "the file is not in this message", "check that message_id and file_key belong together"),
    234004: (AccessDenied, "the bot is not in the chat of the message", _ADD_BOT),
    234005: (NotFound, "the image or file does not exist", "check the key; the file may have been deleted"),
    234006: (TooLarge, "the file is too large: at most 30 MB, or 10 MB for an image", "send a link to it"),
    234007: (AccessDenied, "the app has no bot", _BOT),
    234008: (AccessDenied, "the file was uploaded by another app", "download it from its message, with message_id"),
    234009: (AccessDenied, "files in external groups cannot be downloaded", _EXTERNAL),
    234010: (BadRequest, "the file is empty", "send a file with content"),
    234011: (BadRequest, "Lark does not support the image's format", "use JPG, PNG, WEBP, GIF, BMP, ICO, TIFF or HEIC"),
    234019: (ServerBusy, "Lark cannot check the app's permissions", LATER),
    234037: (TooLarge, "the file is larger than the 100 MB that can be downloaded", "ask its owner to share a link"),
    234038: (AccessDenied, "files in restricted chats cannot be downloaded", _SECRET),
    234039: (
        TooLarge,
        "the image has too many pixels: at most 12,000 x 12,000, or 2,000 x 2,000 for a GIF",
        "send it as a file",
    ),
    234040: (AccessDenied, "the message is not visible to the bot", "allow new members to see the chat's history"),
    234041: (AccessDenied, "the tenant's encryption key was deleted", _KEY),
    234042: (AccessDenied, "the tenant's own storage failed", _KEY),
    234043: (
        BadRequest,
        "files in cards and forwarded messages cannot be downloaded",
        "download it from the original message",
    ),
}

# message/v4/batch_send, and the older codes of the same refusals ("Generic error codes")
_BATCH: dict[int, _Row] = {
    10002: (BadRequest, "Lark cannot create the message", "check msg_type and content"),
    11101: (NotFound, "the open_id does not exist", _OWN_IDS),
    11203: (AccessDenied, "the app may not send messages to many users", "add the scope im:message:send_multi_users"),
    11204: (AccessDenied, "the app may not send messages to departments", "add the scope im:message:send_multi_depts"),
    11207: (AccessDenied, "the app is not in use in this tenant", _ENABLE),
    11209: (NotAuthorized, "the app does not exist", "check App ID and host"),
    11210: (NotAuthorized, "the app is not installed in this tenant", _ENABLE),
    11223: (AccessDenied, "the app may not send messages", "add the scope im:message:send_as_bot"),
    11227: (NotFound, "the image does not exist", "upload it with the same app first"),
    11231: (NotFound, "the chat does not exist", "check the chat_id"),
    11232: (RateLimited, "too many messages", LATER),
    11233: (RateLimited, "too many messages to one chat", LATER),
    11235: (AccessDenied, "the group only allows administrators to mention everyone", "mention users individually"),
    11246: (BadRequest, "the message's content is invalid", "check the content, and the card in the card builder"),
    11247: (RateLimited, "too many messages", LATER),
    11312: (BadRequest, "Lark rejected the message's content", _TEXT),
    1000004: (RateLimited, "too many calls", LATER),
    1000005: (RateLimited, "too many calls by the app", LATER),
}

MESSAGE_MEANINGS: dict[int, Meaning] = {
    code: Meaning(error, what, hint)
    for rows in (_SENDING, _SENT, _REACTIONS, _CHATS, _RESOURCES, _BATCH)
    for code, (error, what, hint) in rows.items()
}

_REPLY = "POST /open-apis/im/v1/messages/:message_id/reply"
_EDIT = "PUT /open-apis/im/v1/messages/:message_id"
_HISTORY = "GET /open-apis/im/v1/messages"
_FORWARD = "POST /open-apis/im/v1/messages/:message_id/forward"
_MERGE = "POST /open-apis/im/v1/messages/merge_forward"
_BATCH_SEND = "POST /open-apis/message/v4/batch_send/"
_HIDDEN_THREAD = Meaning(
    AccessDenied, "the thread is not visible to the bot", "ask someone to mention the bot in the thread"
)

AT_ENDPOINT: dict[tuple[str, int], Meaning] = {
    (_REPLY, 230071): Meaning(
        BadRequest, "the group does not allow replies in threads", "reply without reply_in_thread"
    ),
    (_REPLY, 230072): Meaning(
        BadRequest, "a folded message cannot be replied to in a thread", "reply without reply_in_thread"
    ),
    (_EDIT, 230075): Meaning(
        BadRequest, "the message can no longer be edited", "the administrator sets the time limit"
    ),
    (_HISTORY, 230073): _HIDDEN_THREAD,
    (_FORWARD, 230074): _HIDDEN_THREAD,
    (_MERGE, 230074): _HIDDEN_THREAD,
    (_BATCH_SEND, 10003): Meaning(BadRequest, "Lark rejected a part of the message", "check msg_type and receivers"),
}
"""Codes that Lark has given a second meaning: which holds, the endpoint tells."""
