"use strict";

const byId = (id) => document.getElementById(id);
let source = null;

function ask(fail) {
  source?.close();
  byId("answer").textContent = "";
  byId("words").replaceChildren();
  byId("state").textContent = "Asking …";
  const started = now();
  const query = new URLSearchParams(location.search);
  if (fail) query.set("fail", fail);
  // EventSource sends the request again after any end. A question is asked once, so
  // each end closes it.
  source = new EventSource(`/lambda/chat?${query}`);
  source.onopen = () => {
    byId("state").dataset.opened = now();
    byId("state").textContent = `Connected after ${Math.round(now() - started)} ms.`;
  };
  source.onmessage = (event) => showWord(event.data, Number(event.lastEventId), started);
  source.addEventListener("end", () => end("The answer is complete."));
  source.onerror = () => {
    const some = byId("words").children.length > 0;
    end(some ? "The answer was cut off." : "There is no answer: the function failed.");
  };
}

function end(text) {
  source.close();
  byId("state").textContent = text;
}

// `made` is the time at which the function made the word.
function showWord(word, made, started) {
  const shown = now();
  const row = document.createElement("tr");
  row.dataset.made = made;
  row.dataset.shown = shown;
  for (const text of [word, `${Math.round(made - started)} ms`, `${Math.round(shown - started)} ms`]) {
    const cell = document.createElement("td");
    cell.textContent = text;
    row.append(cell);
  }
  byId("words").append(row);
  byId("answer").append(`${word} `);
}

function now() {
  return performance.timeOrigin + performance.now();
}

byId("ask").addEventListener("click", () => ask());
byId("ask-middle").addEventListener("click", () => ask("middle"));
byId("ask-begin").addEventListener("click", () => ask("begin"));
