// Calls of the official Node SDK against an emulator. Prints one JSON object: what the calls gave.
// LARK_HOST, LARK_APP_ID, LARK_APP_SECRET, LARK_WIKI_NODE, LARK_EMAIL say where, as whom and about what.
"use strict";

const lark = require("@larksuiteoapi/node-sdk");

const env = process.env;
const client = new lark.Client({
  appId: env.LARK_APP_ID,
  appSecret: env.LARK_APP_SECRET,
  domain: env.LARK_HOST,
  loggerLevel: lark.LoggerLevel.fatal,
});

const checked = async (name, call) => {
  const answer = await call;
  if (answer.code) throw new Error(`${name}: ${answer.code} ${answer.msg}`);
  return answer.data;
};

const bytesOf = async (stream) => {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
};

const main = async () => {
  const { app, appTable, appTableField, appTableRecord, appTableView } = client.bitable;
  const made = await checked("app.create", app.create({ data: { name: "Shop" } }));
  const base = { app_token: made.app.app_token };
  const fields = [
    { field_name: "Name", type: 1 },
    { field_name: "Qty", type: 2 },
    { field_name: "Files", type: 17 },
  ];
  const table = await checked("appTable.create", appTable.create({ path: base, data: { table: { name: "goods", fields } } }));
  const path = { ...base, table_id: table.table_id };
  await checked("appTableField.create", appTableField.create({ path, data: { field_name: "Kind", type: 3 } }));
  const listed = await checked("appTableField.list", appTableField.list({ path, params: { page_size: 100 } }));
  await checked("appTableView.create", appTableView.create({ path, data: { view_name: "Board", view_type: "kanban" } }));

  const rows = Array.from({ length: 5 }, (_, number) => ({ fields: { Name: `n${number}`, Qty: number, Kind: "x" } }));
  const created = await checked("batchCreate", appTableRecord.batchCreate({ path, data: { records: rows } }));
  const ids = created.records.map((each) => each.record_id);
  await checked("update", appTableRecord.update({ path: { ...path, record_id: ids[0] }, data: { fields: { Qty: null } } }));
  const changes = [{ record_id: ids[1], fields: { Kind: "y" } }];
  await checked("batchUpdate", appTableRecord.batchUpdate({ path, data: { records: changes } }));
  const condition = { field_name: "Qty", operator: "isGreater", value: ["1"] };
  const filter = { conjunction: "and", conditions: [condition] };
  const found = await checked("search", appTableRecord.search({ path, data: { filter }, params: { page_size: 100 } }));
  const paged = [];
  for await (const page of await appTableRecord.searchWithIterator({ path, data: {}, params: { page_size: 2 } })) {
    paged.push(page.items.map((each) => each.record_id));
  }
  const got = await checked("batchGet", appTableRecord.batchGet({ path, data: { record_ids: [ids[0], "recnone"] } }));

  const content = Buffer.from("content \u0000 of a file");
  const file = { file_name: "a.txt", parent_type: "bitable_file", parent_node: base.app_token, size: content.length, file: content };
  const media = await client.drive.media.uploadAll({ data: file });
  const cell = { Files: [{ file_token: media.file_token }] };
  await checked("create", appTableRecord.create({ path, data: { fields: cell } }));
  const download = await client.drive.media.download({ path: { file_token: media.file_token } });
  const downloaded = await bytesOf(download.getReadableStream());

  const node = await checked("getNode", client.wiki.space.getNode({ params: { token: env.LARK_WIKI_NODE } }));
  const people = await checked("batchGetId", client.contact.user.batchGetId({ data: { emails: [env.LARK_EMAIL] } }));
  const text = { receive_id: people.user_list[0].user_id, msg_type: "text", content: '{"text":"hi"}' };
  const message = await checked("message.create", client.im.message.create({ params: { receive_id_type: "open_id" }, data: text }));

  const { chat, image, message: im, messageReaction } = client.im;
  const team = await checked("chat.create", chat.create({ data: { name: "Alarms" }, params: { user_id_type: "open_id" } }));
  const card = { schema: "2.0", body: { elements: [{ tag: "markdown", content: "a" }] } };
  const into = { params: { receive_id_type: "chat_id" } };
  const shown = await checked(
    "message.create",
    im.create({ ...into, data: { receive_id: team.chat_id, msg_type: "interactive", content: JSON.stringify(card) } }),
  );
  const one = { path: { message_id: shown.message_id } };
  card.body.elements[0].content = "b";
  await checked("message.patch", im.patch({ ...one, data: { content: JSON.stringify(card) } }));
  const reply = { msg_type: "text", content: '{"text":"re"}', reply_in_thread: true };
  const replied = await checked("message.reply", im.reply({ ...one, data: reply }));
  const reaction = await checked(
    "messageReaction.create",
    messageReaction.create({ ...one, data: { reaction_type: { emoji_type: "DONE" } } }),
  );
  const png = Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), Buffer.alloc(16)]);
  const up = await image.create({ data: { image_type: "message", image: png } });
  const picture = await bytesOf((await image.get({ path: { image_key: up.image_key } })).getReadableStream());
  const history = await checked(
    "message.list",
    im.list({ params: { container_id_type: "thread", container_id: replied.thread_id, page_size: 50 } }),
  );
  await checked("message.delete", im.delete({ path: { message_id: replied.message_id } }));
  const talk = {
    types: history.items.map((each) => each.msg_type),
    emoji: reaction.reaction_type.emoji_type,
    picture: picture.equals(png),
    recalled: (await checked("message.get", im.get({ path: { message_id: replied.message_id } }))).items[0].deleted,
  };

  await checked("delete", appTableRecord.delete({ path: { ...path, record_id: ids[4] } }));
  await checked("batchDelete", appTableRecord.batchDelete({ path, data: { records: ids.slice(0, 4) } }));
  const refused = await appTableRecord
    .create({ path, data: { fields: { Nope: 1 } } })
    .then((answer) => answer.code, (error) => error.response?.data?.code);

  return {
    fields: listed.items.map((each) => each.field_name),
    found: found.items.map((each) => each.fields.Name[0].text),
    paged,
    ids,
    cleared: Object.keys(got.records[0].fields),
    absent: got.absent_record_ids,
    downloaded: downloaded.toString("hex"),
    obj_token: node.node.obj_token,
    message_id: message.message_id,
    talk,
    refused,
  };
};

main().then(
  (result) => process.stdout.write(JSON.stringify(result)),
  (error) => {
    process.stderr.write(`${error.message} ${JSON.stringify(error.response?.data ?? {})}\n`);
    process.exitCode = 1;
  },
);
