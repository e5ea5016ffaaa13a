// A real OpenID provider for tests: oidc-provider with its own login and consent pages, people from the environment.
import { Provider } from "oidc-provider";

const port = Number(process.env.OIDC_PORT);
const issuer = `http://127.0.0.1:${port}`;
const site = process.env.OIDC_SITE;
// Seconds by which this provider's clock is wrong.
const skew = Number(process.env.OIDC_SKEW || 0) * 1000;
if (skew) {
  const now = Date.now.bind(Date);
  Date.now = () => now() + skew;
}
// username → { name, zoneinfo, groups }
const people = JSON.parse(process.env.OIDC_PEOPLE || "{}");

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "hubs",
      client_secret: "only-for-tests-only-for-tests-only-for-tests",
      redirect_uris: [`${site}/login/callback`],
      post_logout_redirect_uris: [`${site}/`],
      backchannel_logout_uri: `${site}/login/backchannel`,
      backchannel_logout_session_required: true,
    },
  ],
  claims: {
    openid: ["sub"],
    profile: ["preferred_username", "name", "zoneinfo"],
    groups: ["groups"],
  },
  scopes: ["openid", "profile", "groups"],
  cookies: { keys: ["only-for-tests"] },
  features: { backchannelLogout: { enabled: true } },
  // It speaks to public addresses only, unless it is told how; our pages are on this machine.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  pkce: { required: () => true },
  ttl: { AccessToken: 600, IdToken: 600, Session: 7200, Grant: 7200, Interaction: 7200, AuthorizationCode: 60 },
  async findAccount(context, id) {
    return {
      accountId: id,
      async claims() {
        return { sub: id, preferred_username: id, ...(people[id] || {}) };
      },
    };
  },
});

provider.on("backchannel.error", (context, error) => console.log("back-channel logout failed:", error));

provider.listen(port, "127.0.0.1", () => console.log("ready"));
