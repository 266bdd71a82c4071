"use strict";

const LONGEST_TEXT = 400; // characters shown of one string; a file in base64 has millions

const byId = (id) => document.getElementById(id);
const form = byId("request");
let chosen = null;
let imageUrl = null;
let latest = 0; // the number of the newest request; late responses to older ones are ignored

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
  showConfiguration(pathOf(button));
  latest += 1;
  showNothing("Not sent yet.");
}

function showConfiguration(path) {
  const blocks = [...document.querySelectorAll("pre[data-path]")];
  for (const block of blocks) block.hidden = block.dataset.path !== path;
  byId("unconfigured").hidden = blocks.some((block) => !block.hidden);
}

function bodyKind() {
  return form.elements.body.value;
}

function showBody() {
  byId("form-body").hidden = bodyKind() !== "form";
  byId("json-body").hidden = bodyKind() !== "json";
  // A hidden field that is required would block the form.
  byId("file").required = bodyKind() === "form" && chosen.dataset.file === "required";
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

// ---- the response ---------------------------------------------------------

async function send() {
  const number = ++latest;
  const route = chosen;
  const { target, options } = readRequest();
  if (options.body !== undefined && ["GET", "HEAD"].includes(options.method)) {
    showProblem(`Not sent: browsers send no body with ${options.method}. Choose another method, or no body.`);
    return;
  }
  byId("results").setAttribute("aria-busy", "true");
  showSummary(`Waiting for ${options.method} ${target} …`);
  try {
    const started = performance.now();
    const response = await fetch(target, options);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const time = Math.round(performance.now() - started);
    const event = await findEvent(route, target, options, response, bytes);
    if (number !== latest) return;
    showResponse(response, bytes, time, event.inResponse);
    showEvent(event);
    byId("results").scrollIntoView({ block: "nearest" });
    byId("summary").scrollIntoView({ block: "nearest" });
    showSummary(`${options.method} ${target}: ${response.status} in ${time} ms`);
  } catch (error) {
    if (number !== latest) return;
    showProblem(`No response: the shop’s server cannot be reached (${error.message}).`);
  } finally {
    if (number === latest) byId("results").setAttribute("aria-busy", "false");
  }
}

// A result must not stay next to a request that it does not belong to.
function showProblem(text) {
  latest += 1;
  showNothing(text);
  byId("summary").classList.add("problem");
  byId("summary").scrollIntoView({ block: "nearest" });
}

function showNothing(summary) {
  clear();
  showSummary(summary);
  byId("results").setAttribute("aria-busy", "false");
}

function showSummary(text) {
  byId("summary").textContent = text;
  byId("summary").classList.remove("problem");
}

function clear() {
  for (const id of ["status", "time", "request-id"]) byId(id).textContent = "–";
  for (const id of ["response-body", "event", "header-count", "body-note"]) byId(id).textContent = "";
  byId("event-source").textContent = "It appears here with the response.";
  byId("status").className = "";
  byId("body-heading").hidden = true;
  byId("headers").replaceChildren();
  showImage(null);
}

function showResponse(response, bytes, time, hasEvent) {
  const status = byId("status");
  status.textContent = `${response.status} ${response.statusText}`.trim();
  status.className = `badge ${response.status < 400 ? "good" : "bad"}`;
  byId("time").textContent = `${time} ms`;
  byId("request-id").textContent = response.headers.get("x-amzn-requestid") ?? bodyOf(bytes)?.request_id ?? "–";
  showHeaders([...response.headers]);
  const type = response.headers.get("content-type") ?? "";
  const isImage = type.startsWith("image/");
  showImage(isImage ? new Blob([bytes], { type }) : null);
  byId("body-heading").hidden = false;
  byId("body-note").textContent = hasEvent ? "without its “event”, which has its own panel" : "";
  if (isImage) byId("response-body").textContent = `${type}, ${bytes.length.toLocaleString("en")} bytes`;
  else if (hasEvent) {
    const { event, ...rest } = withEvent(bytes);
    byId("response-body").textContent = show(rest);
  } else byId("response-body").textContent = asText(bytes) || "(empty)";
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

// Show the event that a function received, never a guess. It comes from the
// response or the log, or else from a second function with the same request.
async function findEvent(route, target, options, response, bytes) {
  const path = target.split("?")[0];
  if (route.dataset.uninvoked && path === pathOf(route)) return { source: route.dataset.uninvoked };
  if (path === "/lambda/echo" && response.ok) {
    return { event: asText(bytes), source: "The response is the event." };
  }
  const result = withEvent(bytes);
  if (result) return { event: show(result.event), source: "From the response.", inResponse: true };
  const log = response.headers.get("x-amz-log-result");
  if (log) {
    const line = decodeLog(log).split("\n").find((text) => text.startsWith("event "));
    return line
      ? { event: pretty(line.slice(6)) ?? line, source: "From the function’s log (X-Amz-Log-Result): the function prints its event." }
      : { source: "X-Amz-Log-Result has the last 4 KB of the log only, and the event was longer." };
  }
  const reason = path === pathOf(route) ? route.dataset.silent : null;
  if (!reason) return { source: "Neither the response nor the log contains the event." };
  const query = target.includes("?") ? target.slice(target.indexOf("?")) : "";
  const echoed = await fetch(`/lambda/echo${query}`, options);
  const event = asText(new Uint8Array(await echoed.arrayBuffer()));
  return echoed.ok
    ? { event, source: `${reason} This is the event of /lambda/echo for the same request.` }
    : { source: reason };
}

// Most of the shop's functions add the event to their result.
function withEvent(bytes) {
  const result = bodyOf(bytes);
  const isObject = result !== null && typeof result === "object" && !Array.isArray(result);
  return isObject && "event" in result ? result : null;
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

// ---- text -----------------------------------------------------------------

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

// Keep the digits of a number that JavaScript would change, such as 12.50 or one
// with more than 16 digits.
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
// The browser sends no submit event if a field is invalid. This event does not bubble.
form.addEventListener("invalid", (event) => {
  const { labels, title, type } = event.target;
  const rule = type === "file" ? "chosen" : title || "filled in";
  showProblem(`Not sent: ${labels[0].textContent} must be ${rule}.`);
}, true);
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
