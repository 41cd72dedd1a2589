// The server's routes: JSON in, JSON out, and the stream of events.

/** The server said no; the message is its own, fit to be shown. */
export class Refusal extends Error {}

/** The server did not answer at all. */
export class Away extends Error {
  constructor() {
    super("The local Telegram cannot be reached.");
  }
}

async function ask(path, init) {
  let answer;
  let body;
  try {
    answer = await fetch(path, { cache: "no-store", ...init });
    body = await answer.json();
  } catch {
    throw new Away();
  }
  if (!answer.ok) throw new Refusal(body.message ?? `The local Telegram answered with status ${answer.status}.`);
  return body;
}

function post(path, value) {
  return ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(value) });
}

export const readPeople = () => ask("/sandbox/people");
export const readChat = (chatId, language) => ask(`/sandbox/chats/${chatId}?language=${encodeURIComponent(language ?? "")}`);
export const fileAddress = (fileId) => `/sandbox/files/${encodeURIComponent(fileId)}`;
export const send = (userId, chatId, text) => post("/sandbox/send", { user_id: userId, chat_id: chatId, text });
export const press = (userId, chatId, messageId, data) =>
  post("/sandbox/press", { user_id: userId, chat_id: chatId, message_id: messageId, data });

/** Give every event after the given number to `take`, in order. The promise ends when the connection does. */
export function follow(after, take) {
  return new Promise((ended) => {
    const source = new EventSource(`/sandbox/events?after=${after}`);
    source.onmessage = (event) => take(JSON.parse(event.data));
    source.onerror = () => {
      source.close(); // the browser's own return would keep what a restarted server has forgotten
      ended();
    };
  });
}
