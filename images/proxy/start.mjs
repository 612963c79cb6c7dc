// Starts configurable-http-proxy with the token from a file: the container's environment, which
// `inspect` shows, holds no secret.
import { readFileSync } from "node:fs";
import "./restarting.mjs";

const [tokenFile, ...options] = process.argv.slice(2);
process.env.CONFIGPROXY_AUTH_TOKEN = readFileSync(tokenFile, "utf8").trim();
process.argv = [process.argv[0], "configurable-http-proxy", ...options];
await import("./node_modules/configurable-http-proxy/bin/configurable-http-proxy");
