// A SharedWorker: one switchboard for all pages of the browser.
import { Switchboard } from "./switchboard.js";

const ports = new Map();
const switchboard = new Switchboard((page, message) => ports.get(page)?.postMessage(message));

self.addEventListener("connect", ({ ports: [port] }) => {
  port.addEventListener("message", ({ data }) => {
    ports.set(data.page, port);
    switchboard.hear(data);
    if (data.say === "leave") ports.delete(data.page);
  });
  port.start();
});
