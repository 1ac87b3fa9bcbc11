// Keeps the whole page, so that it opens without a network. One version at a time; a new build brings a new one.
const VERSION = "@VERSION@";
const base = new URL(".", self.location.href).href;

self.addEventListener("install", (event) => event.waitUntil(keep()));
self.addEventListener("activate", (event) => event.waitUntil(forget().then(() => self.clients.claim())));

async function keep() {
  const listing = await (await fetch(`${base}files.json`)).json();
  const cache = await caches.open(VERSION);
  await cache.addAll(listing.files.map((file) => base + file.path));
  await cache.add(`${base}files.json`);
}

async function forget() {
  for (const name of await caches.keys()) if (name.startsWith("torchup-") && name !== VERSION) await caches.delete(name);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(base)) return;
  event.respondWith(kept(request));
});

async function kept(request) {
  const cache = await caches.open(VERSION);
  const address = new URL(request.url);
  const plain = address.href.endsWith("/") ? `${base}index.html` : address.origin + address.pathname;
  return (await cache.match(plain)) ?? fetch(request);
}
