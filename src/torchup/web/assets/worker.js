// Python in a worker, so that the page never freezes. Everything comes from the page's own folder.
const post = (message) => self.postMessage(message);
let base, answer;

async function start() {
  const listing = await (await fetch(`${base}files.json`)).json();
  count(listing.load.reduce((sum, file) => sum + file.size, 0));
  const { loadPyodide } = await import(`${base}pyodide.mjs`);
  const wheels = listing.wheels.map(bytesOf);
  const python = await loadPyodide({ indexURL: base, env: { HOME: "/home/page" } });
  post({ stage: "starting" });
  for (const wheel of await Promise.all(wheels)) python.unpackArchive(wheel, "wheel");
  post({ stage: "tables" });
  const page = python.pyimport("torchup.web.page");
  page.warm_up();
  answer = (question) => page.answer(question);
  post({ stage: "ready" });
}

async function bytesOf(name) {
  const response = await fetch(base + name);
  if (!response.ok) throw new Error(`${name}: HTTP ${response.status}`);
  return response.arrayBuffer();
}

// Every byte that is loaded passes here, so that the page can say how much is still to come.
function count(total) {
  const load = self.fetch.bind(self);
  let done = 0;
  self.fetch = async (...request) => {
    const response = await load(...request);
    if (!response.ok || !response.body) return response;
    const counted = response.body.pipeThrough(new TransformStream({
      transform(piece, out) {
        done += piece.length;
        post({ stage: "loading", done: Math.min(done, total), total });
        out.enqueue(piece);
      },
    }));
    const { status, headers } = response;
    return new Response(counted, { status, headers });
  };
}

const reason = (error) => String(error?.message ?? error).trim().split("\n").at(-1).slice(0, 300);

self.addEventListener("message", async ({ data }) => {
  if (data.base) {
    base = data.base;
    try { await start(); } catch (error) { post({ stage: "failed", reason: reason(error) }); }
    return;
  }
  try { post({ id: data.id, answer: answer(data.question) }); } catch (error) { post({ id: data.id, error: reason(error) }); }
});
