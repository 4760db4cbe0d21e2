// Where the page begins: styles, the app, and the worker that keeps it for times without a network.
import { mount } from "svelte";
import App from "./App.svelte";
import "./styles/theme.css";
import "./styles/base.css";

const target = document.getElementById("app");
if (!target) throw new Error("the page has no element #app");
mount(App, { target });

if (import.meta.env.PROD && "serviceWorker" in navigator) void navigator.serviceWorker.register("/sw.js");
