// Verifies a webhook's request with the reference library: JSON with secret, headers and body on standard input.
import { Webhook } from "standardwebhooks";

let text = "";
for await (const chunk of process.stdin) text += chunk;
const { secret, headers, body } = JSON.parse(text);
console.log(JSON.stringify(new Webhook(secret).verify(body, headers)));
