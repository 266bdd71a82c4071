"use strict";

const LONGEST_TEXT = 400; // characters of one text that are shown; a file in base64 has millions

const byId = (id) => document.getElementById(id);
const form = byId("request");
let chosen = null;
let imageUrl = null;
let latest = 0; // the newest request; an older one that comes late is not shown

// ---- the request ----------------------------------------------------------

function choose(button) {
  chosen = button;
  for (const other of byId("routes").querySelectorAll("button")) {
    other.setAttribute("aria-pressed", String(other === button));
  }
  const { method, target, body, json = "{\n}", fields = '[["", ""]]' } = button.dataset;
  byId("method").value = method;
  byId("target").value = target;
  byId("json").value = pretty(json) ?? json;
  byId("file").value = "";
  byId("fields").replaceChildren();
  JSON.parse(fields).forEach(([name, value]) => addField(name, value));
  byId(`body-${body}`).checked = true;
  showBody();
}

function bodyKind() {
  return form.elements.body.value;
}

function showBody() {
  byId("form-body").hidden = bodyKind() !== "form";
  byId("json-body").hidden = bodyKind() !== "json";
}

function addField(name = "", value = "") {
  const number = byId("fields").children.length + 1;
  const line = document.createElement("div");
  line.className = "line";
  for (const [part, text] of [["name", name], ["value", value]]) {
    const box = document.createElement("div");
    const label = document.createElement("label");
    const input = document.createElement("input");
    input.id = `field-${number}-${part}`;
    input.type = "text";
    input.value = text;
    input.autocomplete = "off";
    label.htmlFor = input.id;
    label.textContent = part === "name" ? `Field ${number}` : "Value";
    if (part === "value") box.className = "grow";
    box.append(label, input);
    line.append(box);
  }
  byId("fields").append(line);
}

function readFields() {
  return [...byId("fields").children]
    .map((line) => [...line.querySelectorAll("input")].map((input) => input.value))
    .filter(([name]) => name !== "");
}

function readRequest() {
  const options = { method: byId("method").value, redirect: "manual", cache: "no-store" };
  if (bodyKind() === "json") {
    options.body = byId("json").value;
    options.headers = { "Content-Type": "application/json" };
  } else if (bodyKind() === "form") {
    const file = byId("file").files[0];
    const data = file ? new FormData() : new URLSearchParams();
    readFields().forEach(([name, value]) => data.append(name, value));
    if (file) data.append("file", file);
    options.body = data;
  }
  return { target: byId("target").value, options };
}

// ---- the answer -----------------------------------------------------------

async function send() {
  const number = ++latest;
  const route = chosen;
  const { target, options } = readRequest();
  if (options.body !== undefined && ["GET", "HEAD"].includes(options.method)) {
    byId("summary").textContent = `A browser sends no body with ${options.method}; choose another method, or no body.`;
    return;
  }
  byId("results").setAttribute("aria-busy", "true");
  byId("summary").textContent = `Waiting for ${options.method} ${target} …`;
  try {
    const started = performance.now();
    const response = await fetch(target, options);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const time = Math.round(performance.now() - started);
    const event = await findEvent(route, target, options, response, bytes);
    if (number !== latest) return;
    showAnswer(response, bytes, time, event.inAnswer);
    showEvent(event);
    byId("results").scrollIntoView({ block: "nearest" });
    byId("summary").scrollIntoView({ block: "nearest" });
    byId("summary").textContent =
      `${options.method} ${target} was answered ${response.status} in ${time} ms.`;
  } catch (error) {
    if (number !== latest) return;
    clear();
    byId("summary").textContent = `No answer came: ${error.message}`;
  } finally {
    if (number === latest) byId("results").setAttribute("aria-busy", "false");
  }
}

function clear() {
  for (const id of ["status", "time", "request-id"]) byId(id).textContent = "–";
  for (const id of ["answer-body", "event", "event-source", "header-count", "body-note"]) byId(id).textContent = "";
  byId("status").className = "";
  byId("headers").replaceChildren();
  showImage(null);
}

function showAnswer(response, bytes, time, holdsEvent) {
  const status = byId("status");
  status.textContent = `${response.status} ${response.statusText}`.trim();
  status.className = `badge ${response.status < 400 ? "good" : "bad"}`;
  byId("time").textContent = `${time} ms`;
  byId("request-id").textContent = response.headers.get("x-amzn-requestid") ?? bodyOf(bytes)?.request_id ?? "–";
  showHeaders([...response.headers]);
  const type = response.headers.get("content-type") ?? "";
  const isImage = type.startsWith("image/");
  showImage(isImage ? new Blob([bytes], { type }) : null);
  byId("body-note").textContent = holdsEvent ? "without its “event”, which is shown by itself" : "";
  if (isImage) byId("answer-body").textContent = `${type}, ${bytes.length.toLocaleString("en")} bytes`;
  else if (holdsEvent) {
    const { event, ...rest } = withEvent(bytes);
    byId("answer-body").textContent = show(rest);
  } else byId("answer-body").textContent = asText(bytes) || "(empty)";
}

function showHeaders(headers) {
  byId("header-count").textContent = `(${headers.length})`;
  byId("headers").replaceChildren(
    ...headers.map(([name, value]) => {
      const row = document.createElement("tr");
      const key = document.createElement("th");
      const cell = document.createElement("td");
      key.scope = "row";
      key.textContent = name;
      cell.textContent = value;
      row.append(key, cell);
      return row;
    }),
  );
}

function showImage(blob) {
  if (imageUrl) URL.revokeObjectURL(imageUrl);
  imageUrl = blob && URL.createObjectURL(blob);
  const image = byId("image");
  image.hidden = !blob;
  image.alt = blob ? "The image that the function drew" : "";
  if (blob) image.src = imageUrl;
  else image.removeAttribute("src");
}

// ---- the event ------------------------------------------------------------

// Only what a function received is shown: from its answer, from its log, or,
// where Lambda tells neither, from a second function that got the same request.
async function findEvent(route, target, options, response, bytes) {
  const path = target.split("?")[0];
  if (route.dataset.uninvoked && path === pathOf(route)) return { source: route.dataset.uninvoked };
  if (path === "/lambda/echo" && response.ok) {
    return { event: asText(bytes), source: "The answer is the event." };
  }
  const answer = withEvent(bytes);
  if (answer) return { event: show(answer.event), source: "From the function's answer.", inAnswer: true };
  const log = response.headers.get("x-amz-log-result");
  if (log) {
    const line = decodeLog(log).split("\n").find((text) => text.startsWith("event "));
    return line
      ? { event: pretty(line.slice(6)) ?? line, source: "From the function's log (X-Amz-Log-Result), which it printed the event into." }
      : { source: "The log (X-Amz-Log-Result) holds 4 kB, and the event was longer." };
  }
  const reason = path === pathOf(route) ? route.dataset.silent : null;
  if (!reason) return { source: "The answer does not tell the event." };
  const query = target.includes("?") ? target.slice(target.indexOf("?")) : "";
  const echoed = await fetch(`/lambda/echo${query}`, options);
  const event = asText(new Uint8Array(await echoed.arrayBuffer()));
  return echoed.ok
    ? { event, source: `${reason} This is what /lambda/echo received for the same request.` }
    : { source: reason };
}

// The shop's functions put the event that they received into their answers.
function withEvent(bytes) {
  const answer = bodyOf(bytes);
  const isObject = answer !== null && typeof answer === "object" && !Array.isArray(answer);
  return isObject && "event" in answer ? answer : null;
}

function pathOf(route) {
  return route.dataset.target.split("?")[0];
}

function showEvent({ event = "", source }) {
  byId("event").textContent = event;
  byId("event-source").textContent = source;
}

function decodeLog(base64) {
  return new TextDecoder().decode(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)));
}

// ---- texts ----------------------------------------------------------------

function asText(bytes) {
  const text = new TextDecoder().decode(bytes);
  return pretty(text) ?? text;
}

function bodyOf(bytes) {
  return parse(new TextDecoder().decode(bytes));
}

function parse(text) {
  try {
    return JSON.parse(text, asWritten);
  } catch {
    return undefined;
  }
}

// A number that JavaScript would write differently (12.50, or more than 16
// digits) is kept as it came.
function asWritten(key, value, context) {
  const differs = typeof value === "number" && context && context.source !== String(value);
  return differs && JSON.rawJSON ? JSON.rawJSON(context.source) : value;
}

function pretty(text) {
  const value = parse(text);
  return value === undefined ? null : show(value);
}

function show(value) {
  return JSON.stringify(value, (key, item) => (typeof item === "string" ? shorten(item) : item), 2);
}

function shorten(text) {
  if (text.length <= LONGEST_TEXT) return text;
  return `${text.slice(0, LONGEST_TEXT / 2)}… (${text.length.toLocaleString("en")} characters)`;
}

// ---- the page -------------------------------------------------------------

byId("routes").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) choose(button);
});
form.addEventListener("change", showBody);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit();
  }
});
byId("add-field").addEventListener("click", () => {
  addField();
  byId("fields").lastElementChild.querySelector("input").focus();
});
choose(byId("route-catalogue"));
