// Glue only: forms to a question, the question to Python, Python's HTML to the page, the question to the address.
const byId = (name) => document.getElementById(name);
const texts = JSON.parse(document.querySelector("[data-texts]").dataset.texts);
const forms = [...document.querySelectorAll("form[data-verb]")];
const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const say = (text) => { byId("status").textContent = text; };

// ------------------------------------------------------------------ language and theme

const kept = {
  get: (key) => { try { return localStorage.getItem(key); } catch { return null; } },
  set: (key, value) => { try { localStorage.setItem(key, value); } catch { /* a browser that keeps nothing */ } },
};

// The English page is the one that everybody gets; who reads Chinese is sent on, unless English was chosen.
function followLanguage() {
  const wanted = kept.get("language") ?? navigator.language.toLowerCase().slice(0, 2);
  const link = document.querySelector(`[data-language="${wanted}"]`);
  if (language === "en" && link) location.replace(link.href + location.hash);
}

for (const link of document.querySelectorAll("[data-language]")) {
  link.addEventListener("click", () => {
    kept.set("language", link.dataset.language);
    link.href = link.getAttribute("href").split("#")[0] + location.hash;
  });
}

function setTheme(name) {
  if (name) document.documentElement.dataset.theme = name;
}
setTheme(kept.get("theme"));
byId("theme").addEventListener("click", () => {
  const now = document.documentElement.dataset.theme
    ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  setTheme(next);
  kept.set("theme", next);
});

// ------------------------------------------------------------------ Python, in a worker

let asked = 0;
const waiting = new Map();
let ready;
const started = new Promise((resolve) => { ready = resolve; });

function startWorker() {
  const address = new URL("worker.js", location.href).href;
  // From a blob the worker inherits this page's policy; from its own address it would have the server's headers only.
  const blob = new Blob([`import ${JSON.stringify(address)};`], { type: "text/javascript" });
  const worker = new Worker(URL.createObjectURL(blob), { type: "module" });
  worker.addEventListener("message", ({ data }) => hear(data));
  worker.addEventListener("error", (event) => fail(event.message || "worker"));
  worker.postMessage({ base: new URL(".", location.href).href });
  return worker;
}

function hear(data) {
  if (data.stage === "loading") progress(data.done, data.total);
  else if (data.stage === "ready") { showProgress(null); say(texts.ready); ready(); keepOffline(); }
  else if (data.stage === "failed") fail(data.reason);
  else if (data.stage) { showProgress(100); say(texts[data.stage]); }
  else { waiting.get(data.id)?.(data); waiting.delete(data.id); }
}

function progress(done, total) {
  showProgress((100 * done) / total);
  const tenth = Math.floor((10 * done) / total);
  if (tenth !== progress.tenth) say(fill(texts.loading, { percent: 10 * tenth })); // heard ten times at most
  progress.tenth = tenth;
}

function showProgress(percent) {
  byId("progress").hidden = percent === null;
  if (percent !== null) byId("progress").value = percent;
}

function fail(reason) {
  showProgress(null);
  document.documentElement.dataset.state = "failed";
  say(fill(texts.failed, { reason }));
}

async function ask(question) {
  await started;
  const id = ++asked;
  const answered = new Promise((resolve) => waiting.set(id, resolve));
  worker.postMessage({ id, question: JSON.stringify(question) });
  return answered;
}

// ------------------------------------------------------------------ question and answer

function questionOf(form) {
  const question = { verb: form.dataset.verb, lang: language };
  for (const control of form.elements) {
    if (!control.name) continue;
    const value = control.type === "checkbox" ? control.checked : control.value;
    const usual = control.type === "checkbox" ? control.defaultChecked : usualOf(control);
    if (value !== usual) question[control.name] = value;
  }
  return question;
}

const usualOf = (control) => (control.tagName === "SELECT" ? control.options[0].value : control.defaultValue);

const empty = (question) => Object.keys(question).every((key) => ["verb", "lang", "manager", "mirror"].includes(key));

async function answer(form, { move = false } = {}) {
  const question = questionOf(form);
  if (empty(question) && !move) return clear();
  say(texts.working);
  const number = asked + 1;
  const found = await ask(question);
  if (number !== asked) return; // a later question is on its way
  if (found.error) { say(fill(texts.broken, { reason: found.error })); return; }
  const { paste, ...shown } = JSON.parse(found.answer);
  show(shown);
  await keepInAddress(question, paste);
  if (move) byId("answer").focus();
}

function show(found) {
  byId("answer").innerHTML = found.html; // Python escaped every text in it; the page's policy lets no script in it run
  byId("answer").hidden = false;
  byId("document").textContent = found.document;
  byId("markdown").textContent = found.markdown ?? "";
  byId("markdown-fold").hidden = !found.markdown;
  byId("after").hidden = false;
  for (const button of document.querySelectorAll("[data-link]")) button.hidden = false;
  say(found.spoken);
  document.documentElement.dataset.answers = asked;
}

function clear() {
  byId("answer").hidden = true;
  byId("after").hidden = true;
  for (const button of document.querySelectorAll("[data-link]")) button.hidden = true;
  history.replaceState(null, "", location.pathname + location.search);
  say(texts.ready);
}

// ------------------------------------------------------------------ the address keeps the question

const through = async (bytes, stream) =>
  new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
const toText = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))
  .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

async function keepInAddress(question, paste) {
  const { verb, lang, paste: _, ...fields } = question;
  const parts = new URLSearchParams(Object.entries(fields).map(([key, value]) => [key, String(value)]));
  if (paste) {
    const packed = await through(new TextEncoder().encode(paste), new CompressionStream("deflate-raw"));
    parts.set("z", toText(packed));
  }
  history.replaceState(null, "", `#${verb}?${parts}`);
}

const LONGEST = 1 << 20; // characters of a pasted text in a link; a report has 50 000

async function unpacked(text) {
  const reader = new Blob([toBytes(text)]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const parts = [];
  for (let size = 0; size < LONGEST;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    size += value.length;
  }
  return new TextDecoder().decode(await new Blob(parts).arrayBuffer());
}

async function fromAddress() {
  const [verb, rest = ""] = location.hash.slice(1).split("?");
  const form = forms.find((one) => one.dataset.verb === verb);
  if (!form) return null;
  choose(verb);
  const parts = new URLSearchParams(rest);
  for (const control of form.elements) {
    if (!control.name || control.name === "paste") continue;
    const value = parts.get(control.name);
    if (control.type === "checkbox") control.checked = value === "true";
    else control.value = value ?? usualOf(control);
    if (value && control.closest("details")) control.closest("details").open = true;
  }
  try { form.elements.paste.value = parts.has("z") ? await unpacked(parts.get("z")) : ""; } catch { /* a cut-off link */ }
  return form;
}

// ------------------------------------------------------------------ what the reader does

const tabs = [...document.querySelectorAll("[role=tab]")];

function choose(verb) {
  for (const tab of tabs) {
    const on = tab.id === `${verb}-tab`;
    tab.setAttribute("aria-selected", String(on));
    tab.tabIndex = on ? 0 : -1;
    byId(tab.getAttribute("aria-controls")).hidden = !on;
  }
}

for (const tab of tabs) {
  const verb = tab.id.replace("-tab", "");
  tab.addEventListener("click", () => { choose(verb); answer(forms.find((form) => form.dataset.verb === verb)); });
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    next.focus();
    next.click();
  });
}

for (const form of forms) {
  let pause;
  form.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(pause); answer(form, { move: true }); });
  form.addEventListener("input", (event) => {
    clearTimeout(pause);
    pause = setTimeout(() => answer(form), event.target.tagName === "SELECT" ? 0 : 400);
  });
  form.addEventListener("reset", () => setTimeout(clear));
}

const textBeside = (button) => button.closest(".block").querySelector("code").textContent;

async function copy(text, said, button) {
  try { await navigator.clipboard.writeText(text); } catch { select(button); return; }
  say(said);
  button.dataset.done = "yes";
  setTimeout(() => delete button.dataset.done, 1500);
}

function select(button) { // where the browser does not hand out the clipboard, the text is marked for Ctrl+C
  const code = button.closest(".block")?.querySelector("code");
  if (code) getSelection().selectAllChildren(code);
}

function save(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if ("copy" in button.dataset) copy(textBeside(button), texts.copied, button);
  if ("save" in button.dataset) save(button.dataset.save, textBeside(button));
  if ("link" in button.dataset) copy(location.href, texts.link, button);
});

document.querySelector("[data-skip]").addEventListener("click", (event) => { // the address is the question's
  event.preventDefault();
  byId("main").focus();
});

window.addEventListener("hashchange", async () => { const form = await fromAddress(); if (form) answer(form); });

async function keepOffline() {
  if (!("serviceWorker" in navigator) || !isSecureContext) return;
  const first = !navigator.serviceWorker.controller;
  try {
    await navigator.serviceWorker.register("sw.js");
    await navigator.serviceWorker.ready;
    document.documentElement.dataset.offline = "yes";
    if (first && byId("status").textContent === texts.ready) say(`${texts.ready} ${texts.offline}`);
  } catch { /* private windows have none: the page works all the same, with a network */ }
}

followLanguage();
let worker;
if (typeof WebAssembly === "object" && typeof CompressionStream === "function") {
  worker = startWorker();
  const form = await fromAddress();
  await started;
  document.documentElement.dataset.state = "ready";
  if (form) await answer(form);
} else say(texts.old);
