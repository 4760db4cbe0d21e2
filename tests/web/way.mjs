// A way to the server that can be cut: all its connections break, and none are made until it is mended.
import { once } from "node:events";
import { connect, createServer } from "node:net";

// Resolves to {url, cut, mend}.
export async function startWay(address) {
  const ends = new Set();
  const way = createServer((near) => {
    const far = connect(new URL(address).port, "127.0.0.1");
    for (const [end, other] of [[near, far], [far, near]]) {
      ends.add(end);
      end.on("error", () => end.destroy()).on("close", () => (ends.delete(end), other.destroy())).pipe(other);
    }
  });
  const mend = async (port) => {
    way.listen(port, "127.0.0.1");
    await once(way, "listening");
    return way.address().port;
  };
  const port = await mend(0);
  const cut = () => {
    way.close();
    for (const end of ends) end.destroy();
  };
  return { url: `http://127.0.0.1:${port}`, cut, mend: () => mend(port) };
}
