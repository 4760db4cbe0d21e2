// Where the page begins: styles, the app, and the worker that keeps it for times without a network.
import { mount } from "svelte";
import App from "./App.svelte";
import { trusted_types } from "./lib/trusted_types";
import "./styles/theme.css";
import "./styles/base.css";

const target = document.getElementById("app");
if (!target) throw new Error("the page has no element #app");
mount(App, { target });

const WORKER = "/sw.js";
if (import.meta.env.PROD && "serviceWorker" in navigator) {
  const policy = trusted_types?.createPolicy("worker", { createScriptURL: () => WORKER });
  void navigator.serviceWorker.register(policy?.createScriptURL(WORKER) ?? WORKER);
}
