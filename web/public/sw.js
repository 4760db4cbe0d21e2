// Keeps the page for times without a network: its files, the lists of conversations and models, and the conversations read last.
const CACHE = "aloud-1";
const MOST_ENTRIES = 120;

self.addEventListener("install", (event) => {
  event.waitUntil(keep_page().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const drop = (names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
  event.waitUntil(caches.keys().then(drop).then(() => self.clients.claim()));
});

// The page and the files that it names.
async function keep_page() {
  const cache = await caches.open(CACHE);
  const page = await fetch("/");
  const files = (await page.clone().text()).match(/(?<=(?:src|href)=")\/[^"]+/g) ?? [];
  await Promise.all([cache.put("/", page), cache.addAll(files)]);
}

// Somebody logged out: what the browser keeps of them goes.
self.addEventListener("message", (event) => {
  if (event.data === "forget") event.waitUntil(caches.delete(CACHE));
});

async function keep(request, response) {
  const cache = await caches.open(CACHE);
  await cache.put(request, response);
  const keys = await cache.keys();
  for (const old of keys.slice(0, Math.max(0, keys.length - MOST_ENTRIES))) {
    if (new URL(old.url).pathname.startsWith("/v1/")) await cache.delete(old);
  }
}

// The newest that there is; what was kept where there is no network.
async function from_network(event, key) {
  try {
    const response = await fetch(event.request);
    if (response.ok) event.waitUntil(keep(key, response.clone()));
    return response;
  } catch (error) {
    const kept = await caches.match(key);
    if (!kept) throw error;
    const headers = new Headers(kept.headers);
    headers.set("Aloud-Kept", "1"); // tells the page that the server was not reached
    return new Response(kept.body, { headers });
  }
}

// Files under assets/ are named by their content and never change.
async function from_cache(event) {
  const kept = await caches.match(event.request);
  if (kept) return kept;
  const response = await fetch(event.request);
  if (response.ok) event.waitUntil(keep(event.request, response.clone()));
  return response;
}

const READABLE_OFFLINE = [/^\/icon\.svg$/, /^\/v1\/session$/, /^\/v1\/models$/, /^\/v1\/conversations$/, /^\/v1\/conversations\/folders$/, /^\/v1\/conversations\/[\w-]+$/];

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (event.request.mode === "navigate") event.respondWith(from_network(event, "/"));
  else if (url.pathname.startsWith("/assets/")) event.respondWith(from_cache(event));
  else if (READABLE_OFFLINE.some((path) => path.test(url.pathname))) event.respondWith(from_network(event, event.request));
});
