// A real authorization server for tests, oidc-provider: clients are registered and managed by RFC 7591
// and 7592. It takes the client ID and the client secret of whoever has the initial access token, until
// a test has it choose by itself. What it knows is told at /test/clients, which is no part of it.

import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const [port, initialAccessToken] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const kept = new Map();
let chooses = false;

class Kept {
  constructor(name) {
    this.name = name;
  }
  async upsert(id, payload) {
    kept.set(`${this.name}:${id}`, payload);
  }
  async find(id) {
    return kept.get(`${this.name}:${id}`);
  }
  async destroy(id) {
    kept.delete(`${this.name}:${id}`);
  }
}

const random = () => crypto.randomUUID().replaceAll("-", "");
const wanted = (ctx, name) => (chooses ? undefined : ctx.oidc.body?.[name]) ?? random();

const provider = new Provider(issuer, {
  adapter: Kept,
  clientAuthMethods: ["client_secret_basic", "client_secret_post"],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    registration: {
      enabled: true,
      initialAccessToken,
      idFactory: (ctx) => wanted(ctx, "client_id"),
      secretFactory: (ctx) => wanted(ctx, "client_secret"),
    },
    registrationManagement: { enabled: true, rotateRegistrationAccessToken: true },
  },
});

const clients = () =>
  [...kept].filter(([key]) => key.startsWith("Client:")).map(([, payload]) => payload);

function forTests(request, response) {
  if (request.url === "/test/forget") {
    kept.clear();
    chooses = false;
  }
  if (request.url === "/test/choose") chooses = true;
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(clients()));
}

const answer = provider.callback();
createServer((request, response) => {
  (request.url.startsWith("/test/") ? forTests : answer)(request, response);
}).listen(Number(port), "127.0.0.1");
