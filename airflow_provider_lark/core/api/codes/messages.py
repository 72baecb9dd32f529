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

_AVAILABILITY = "widen the app's availability in the developer console, then release a new version of the app"
_ADD_BOT = "add the app's bot to the group: group settings > Bots"
_BOT = "add the bot ability in the developer console, then release a new version of the app"
_OWN_IDS = "an open_id counts for one app only; use union_id, user_id or e-mail across apps"
_SCOPE = "add it under Permissions & Scopes, then release a new version"
_EXTERNAL = "turn on external sharing for the app, or use a group of the tenant"
_MANAGER = "make the bot an administrator of the group, or let all members do it in the group's settings"
_KEY = "the tenant's administrator has to restore the encryption key or the storage"
_ELSEWHERE = "choose another receiver"
_ENABLE = "enable it in the admin console"
_TEXT = "change the text"
_MESSAGE_ID = "check the message_id: it begins with om_, and only messages that the bot can see count"
_SECRET = "use a chat without that mode"  # noqa: S105 - secret chats
_OWN_ONLY = "only what the app itself sent can be changed or asked about"

_Row = tuple[type[LarkError], str, str]

_SENDING: dict[int, _Row] = {
    230001: (BadRequest, "Lark refuses a part of the message", "check receiver_id, its type and the content"),
    230002: (AccessDenied, "the bot is not in the chat", _ADD_BOT),
    230003: (AccessDenied, "the message is not visible to the bot", _MESSAGE_ID),
    230004: (AccessDenied, "the message is not visible to the bot", _MESSAGE_ID),
    230005: (AccessDenied, "the message is not visible to the bot", _MESSAGE_ID),
    230006: (AccessDenied, "the app has no bot", _BOT),
    230013: (AccessDenied, "the bot may not write to this user, who has left or is outside its range", _AVAILABILITY),
    230015: (BadRequest, "a private chat cannot be shared", "share a group, or a person with share_user"),
    230017: (AccessDenied, "the image or file was not uploaded by this app", "upload it with the same app first"),
    230018: (AccessDenied, "the group does not let the bot write", "ask the owner of the group to allow it"),
    230019: (NotFound, "there is no such thread", "check the thread_id: it begins with omt_"),
    230020: (RateLimited, "too many messages to one person or group", LATER),
    230022: (BadRequest, "the message holds sensitive words", _TEXT),
    230025: (TooLarge, "the message is too long", "send a part of it, or a link to the whole"),
    230027: (AccessDenied, "the app lacks a right", _SCOPE),
    230028: (BadRequest, "the tenant's data loss prevention refuses the message", _TEXT),
    230029: (NotFound, "the user has left the tenant", _ELSEWHERE),
    230034: (NotFound, "the receiver_id is not valid", f"check it and receiver_id_type; {_OWN_IDS}"),
    230035: (AccessDenied, "the bot may not write to this chat", "check the chat's settings for who may write"),
    230036: (NotFound, "the encryption key of the receiver's tenant is gone", _KEY),
    230038: (AccessDenied, "the bot may not write to users of other tenants", "use a group that both are in"),
    230045: (NotFound, "there is no such chat", "check the chat_id"),
    230049: (ServerBusy, "the message is still being sent", LATER),
    230053: (AccessDenied, "the user has stopped the bot", "the user alone can start it again"),
    230054: (BadRequest, "the message type does not allow this", "choose another msg_type"),
    230055: (
        BadRequest,
        "the file was uploaded as another type",
        "opus is for audio, mp4 for media, the rest for file",
    ),
    230075: (AccessDenied, "secret chats take no messages of apps", _SECRET),
    230099: (BadRequest, "the card's content is not valid", "check the card in Lark's card builder"),
    230100: (BadRequest, "Lark takes no test messages of this content", _TEXT),
}

_SENT: dict[int, _Row] = {
    230009: (BadRequest, "the time to recall the message is over", "the tenant's administrator sets it"),
    230011: (NotFound, "the message was recalled", "send a new one, if it is still wanted"),
    230012: (AccessDenied, "the message is not the app's own", _OWN_ONLY),
    230023: (BadRequest, "a user has 200 unread urgent messages", "let the user read some first"),
    230024: (BadRequest, "the tenant's quota of urgent messages is used up", "ask the tenant's administrator"),
    230026: (AccessDenied, "the bot may not recall the message", f"{_OWN_ONLY}, unless the bot manages the group"),
    230030: (NotFound, "there is no such message", _MESSAGE_ID),
    230031: (BadRequest, "the card was sent over 14 days ago", "send a new card"),
    230033: (BadRequest, "the message was sent over 7 days ago, so Lark does not tell who read it", "ask earlier"),
    230050: (AccessDenied, "the message is not visible to the bot", "let new members see the chat's history"),
    230052: (AccessDenied, "the bot may not mark this message as urgent", _MANAGER),
    230061: (BadRequest, "messages of this type cannot be forwarded", "send the content itself"),
    230062: (AccessDenied, "the bot may not forward into an encrypted group", _SECRET),
    230063: (NotFound, "there is no such chat to forward to", "check the receiver"),
    230064: (NotFound, "no message to forward is there, or the bot sees none", _MESSAGE_ID),
    230065: (NotFound, "the messages to forward were recalled", "choose others"),
    230066: (AccessDenied, "messages of a secret chat cannot be forwarded", _SECRET),
    230067: (BadRequest, "messages of several threads, or of a thread and a chat, are mixed", "forward each alone"),
    230068: (BadRequest, "these messages cannot be forwarded together", "forward each alone"),
    230069: (BadRequest, "messages of several chats are mixed", "forward those of one chat at once"),
    230070: (AccessDenied, "messages in restricted mode cannot be forwarded", _SECRET),
    230071: (AccessDenied, "the message is not the app's own", _OWN_ONLY),
    230072: (BadRequest, "the message was edited 20 times, which is all that Lark allows", "send a new one"),
    230073: (AccessDenied, "messages of a secret chat cannot be edited", _SECRET),
    230074: (AccessDenied, "messages of an encrypted chat cannot be edited", _SECRET),
    230098: (BadRequest, "a folded message cannot be marked as urgent", "mark one that stands by itself"),
    230110: (NotFound, "the message was deleted", "send a new one, if it is still wanted"),
    230111: (BadRequest, "the message destroys itself soon", "reply to another one"),
    231203: (AccessDenied, "the chat's mode does not let its messages be read", _SECRET),
    231204: (AccessDenied, "an app that is shared externally cannot read in a user's name", "read as the app"),
}

_REACTIONS: dict[int, _Row] = {
    231001: (BadRequest, "there is no such emoji", "see Lark's list of emoji_type; case counts"),
    231002: (AccessDenied, "the bot is not in the chat of the message", _ADD_BOT),
    231003: (NotFound, "there is no such message", _MESSAGE_ID),
    231004: (NotFound, "the chat of the message is gone", _ELSEWHERE),
    231005: (NotFound, "the thread of the message was removed", "choose another message"),
    231006: (BadRequest, "Lark does not know who reacts", "try again; then ask Lark's support with the log_id"),
    231007: (AccessDenied, "the reaction is somebody else's", "only the app's own can be removed"),
    231008: (AccessDenied, "the bot may not see the message", _ADD_BOT),
    231010: (NotFound, "the reaction belongs to another message", "check message_id and reaction_id"),
    231011: (NotFound, "there is no such reaction", "it was removed already, or the reaction_id is wrong"),
    231012: (BadRequest, "the page_token is not valid", "read from the first page again"),
    231013: (NotAuthorized, "Lark refuses the kind of token", "use the app's own client"),
    231014: (BadRequest, "the user_id_type is not valid", "open_id, union_id or user_id"),
    231015: (ServerBusy, "an equal reaction is still being added", LATER),
    231017: (BadRequest, "messages of this type take no reactions", "choose another message"),
    231018: (AccessDenied, "the message is not visible to the bot", "let new members see the chat's history"),
    231019: (AccessDenied, "the user who sent the message does not let the bot react", "the user alone can allow it"),
    231020: (AccessDenied, "the tenant does not let the bot react", "ask the tenant's administrator"),
    231021: (AccessDenied, "the bot may not act in external groups", _EXTERNAL),
    231022: (AccessDenied, "the user of the chat is outside the app's range", _AVAILABILITY),
}

_CHATS: dict[int, _Row] = {
    232001: (BadRequest, "Lark refuses a part of the request for a group", "check names and ids"),
    232004: (NotAuthorized, "Lark does not know the app", "check App ID and host"),
    232006: (NotFound, "the chat_id is not valid", "it begins with oc_, and a private chat is no group"),
    232008: (BadRequest, "this kind of chat does not allow it", "use an ordinary group"),
    232009: (NotFound, "the group was dissolved", _ELSEWHERE),
    232010: (AccessDenied, "the group belongs to another tenant", _EXTERNAL),
    232011: (AccessDenied, "the bot is not in the group", _ADD_BOT),
    232013: (BadRequest, "the group is full", "use another group"),
    232017: (AccessDenied, "only owner and administrators of the group may do this", _MANAGER),
    232019: (RateLimited, "too many changes of one group", LATER),
    232020: (BadRequest, "the name of a public group has at least two characters", "choose a longer one"),
    232021: (NotFound, "there is no such bot", "give the app_id of a bot: cli_…"),
    232022: (NotFound, "a user to be added has left the tenant", "leave the user out"),
    232023: (BadRequest, "Lark refuses the group's name or description", "change its words"),
    232024: (AccessDenied, "a user to be added is outside the app's range", _AVAILABILITY),
    232025: (AccessDenied, "the app has no bot", _BOT),
    232027: (BadRequest, "there is nobody to add", "give at least one valid id"),
    232028: (AccessDenied, "people of other tenants cannot join an internal group", _EXTERNAL),
    232030: (NotFound, "there is no such user", f"check the id and its type; {_OWN_IDS}"),
    232032: (BadRequest, "the group's owner belongs to another tenant", "choose an owner of the app's tenant"),
    232033: (AccessDenied, "the bot may not act in external groups", _EXTERNAL),
    232034: (AccessDenied, "the app is not in use in this tenant", _ENABLE),
    232037: (AccessDenied, "the app may not manage the group's labels", _SCOPE),
    232042: (BadRequest, "a public group needs a name", "give one"),
    232043: (NotFound, "an id to be added is not known", f"check the ids and their type; {_OWN_IDS}"),
    232044: (BadRequest, "the group has as many members as the administrator allows", "use another group"),
    232057: (AccessDenied, "the tenant has no restricted mode", "leave it out"),
    232068: (ServerBusy, "the group is being created", LATER),
    232069: (BadRequest, "an external group cannot be public", "make it private"),
    232075: (AccessDenied, "the group wants applications to join", "ask its owner to add the bot"),
    232078: (AccessDenied, "the tenant cannot hide the number of members", "leave it out"),
    232079: (BadRequest, "this kind of group cannot hide the number of members", "leave it out"),
    232090: (BadRequest, "this kind of group does not allow it", "use an ordinary group"),
    232091: (AccessDenied, "the tenant allows no public groups", "make it private"),
    232095: (AccessDenied, "the app may not act in this kind of group", _SCOPE),
    232096: (ServerBusy, "Lark takes no messages for the moment", LATER),
}

_RESOURCES: dict[int, _Row] = {
    234001: (BadRequest, "Lark refuses a part of the request for a file", "check name, type and key"),
    234002: (NotAuthorized, "Lark refuses the token for files of messages", "check the app's scopes for im:resource"),
    234003: (NotFound, "the file is not in this message", "check message_id and file_key: they belong together"),
    234004: (AccessDenied, "the bot is not in the chat of the message", _ADD_BOT),
    234005: (NotFound, "there is no such image or file", "check the key; it may have been deleted"),
    234006: (TooLarge, "the file is too large: 30 MB, 10 MB for an image", "send a link to it"),
    234007: (AccessDenied, "the app has no bot", _BOT),
    234008: (AccessDenied, "another app uploaded the file", "read it from the message, with message_id"),
    234009: (AccessDenied, "files of external groups cannot be read", _EXTERNAL),
    234010: (BadRequest, "the file is empty", "send one with content"),
    234011: (BadRequest, "Lark does not know the image's format", "JPG, PNG, WEBP, GIF, BMP, ICO, TIFF or HEIC"),
    234019: (ServerBusy, "Lark cannot tell the app's rights", LATER),
    234037: (TooLarge, "the file is larger than the 100 MB that can be read", "let its owner share a link"),
    234038: (AccessDenied, "files of restricted chats cannot be read", _SECRET),
    234039: (TooLarge, "the image has too many pixels: 12,000 x 12,000, a GIF 2,000 x 2,000", "send it as a file"),
    234040: (AccessDenied, "the message is not visible to the bot", "let new members see the chat's history"),
    234041: (AccessDenied, "the tenant's encryption key is gone", _KEY),
    234042: (AccessDenied, "the tenant's own storage fails", _KEY),
    234043: (BadRequest, "files of cards and of forwarded messages cannot be read", "read the original message"),
}

# message/v4/batch_send, and the older codes of the same refusals ("Generic error codes")
_BATCH: dict[int, _Row] = {
    10002: (BadRequest, "Lark cannot make the message", "check msg_type and content"),
    11101: (NotFound, "there is no such open_id", _OWN_IDS),
    11203: (AccessDenied, "the app may not write to many users", "add im:message:send_multi_users"),
    11204: (AccessDenied, "the app may not write to departments", "add im:message:send_multi_depts"),
    11207: (AccessDenied, "the app is not in use in this tenant", _ENABLE),
    11209: (NotAuthorized, "there is no such app", "check App ID and host"),
    11210: (NotAuthorized, "the app is not installed in this tenant", _ENABLE),
    11223: (AccessDenied, "the app may not send messages", "add im:message:send_as_bot"),
    11227: (NotFound, "there is no such image", "upload it with the same app first"),
    11231: (NotFound, "there is no such chat", "check the chat_id"),
    11232: (RateLimited, "too many messages", LATER),
    11233: (RateLimited, "too many messages to one chat", LATER),
    11235: (AccessDenied, "the group lets only administrators mention all", "mention people one by one"),
    11246: (BadRequest, "the message's content is not valid", "check the content, and the card in the card builder"),
    11247: (RateLimited, "too many messages", LATER),
    11312: (BadRequest, "Lark refuses the message's content", _TEXT),
    1000004: (RateLimited, "too many calls", LATER),
    1000005: (RateLimited, "too many calls of the app", LATER),
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
_HIDDEN_THREAD = Meaning(AccessDenied, "the thread is not visible to the bot", "let somebody mention the bot in it")

AT_ENDPOINT: dict[tuple[str, int], Meaning] = {
    (_REPLY, 230071): Meaning(BadRequest, "the group takes no replies in threads", "reply without reply_in_thread"),
    (_REPLY, 230072): Meaning(BadRequest, "a folded message takes no replies in threads", "reply without it"),
    (_EDIT, 230075): Meaning(BadRequest, "the time to edit the message is over", "the administrator sets it"),
    (_HISTORY, 230073): _HIDDEN_THREAD,
    (_FORWARD, 230074): _HIDDEN_THREAD,
    (_MERGE, 230074): _HIDDEN_THREAD,
    (_BATCH_SEND, 10003): Meaning(BadRequest, "Lark refuses a part of the message", "check msg_type and receivers"),
}
"""Codes that Lark has given a second meaning: which holds, the endpoint tells."""
