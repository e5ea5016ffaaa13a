// A SharedWorker that runs one multiplexer for all pages of the browser.
import { Multiplexer } from "./multiplexer.js";

const ports = new Map();
const multiplexer = new Multiplexer((page, message) => ports.get(page)?.postMessage(message));

self.addEventListener("connect", ({ ports: [port] }) => {
  port.addEventListener("message", ({ data }) => {
    ports.set(data.page, port);
    multiplexer.hear(data);
    if (data.say === "leave") ports.delete(data.page);
  });
  port.start();
});
