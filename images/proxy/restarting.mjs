// Answers in the hub's place while it is down: a page of the proxy's own, with status 503.
//
// The hub's own error pages come first (`--error-target`): it knows the session of whoever asks.
import { readFileSync } from "node:fs";
import { ConfigurableProxy } from "./node_modules/configurable-http-proxy/lib/configproxy.js";

const RETRY_S = "5";
const asked = readFileSync(new URL("restarting.html", import.meta.url), "utf8");
// A form cannot be sent again without asking whoever sent it: that page only tells.
const sent = asked.replace('data-sent="no"', 'data-sent="yes"').replace(/<noscript>.*<\/noscript>/, "");
const told = JSON.stringify({
  status: 503,
  message: "Carrel is being restarted.",
  hint: "Try again in some seconds.",
});

const HEADERS = {
  "Cache-Control": "no-store",
  "Retry-After": RETRY_S,
  "X-Content-Type-Options": "nosniff",
  "Content-Security-Policy":
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; " +
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
};

function answer(req, res) {
  if (res.writableEnded) return;
  const json = (req.headers.accept || "").startsWith("application/json");
  const page = req.method === "GET" || req.method === "HEAD" ? asked : sent;
  if (!res.headersSent) {
    const type = json ? "application/json" : "text/html; charset=utf-8";
    res.writeHead(503, { ...HEADERS, "Content-Type": type });
  }
  res.end(json ? told : page);
}

const proxy = ConfigurableProxy.prototype;
const handleProxyError = proxy.handleProxyError;

proxy.handleProxyError = function (code, kind, req, res, error) {
  // The hub takes every address that nobody else has: with none to take it, the proxy was
  // restarted too, and the hub has not given it its routes yet.
  if (code === 404 && kind !== "ws" && res) {
    this.metrics.requestsProxyCount.labels(503).inc();
    answer(req, res);
    return;
  }
  handleProxyError.call(this, code, kind, req, res, error);
};

proxy._handleProxyErrorDefault = (_code, _kind, req, res) => answer(req, res);
